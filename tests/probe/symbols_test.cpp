// Names of functions, also from files that are damaged, and the map from addresses to files.
#include "probe/symbols.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <random>

#include "probe/address_map.h"
#include "tests/probe/burner_process.h"
#include "tests/probe/fake_proc.h"
#include "tests/support/support.h"

namespace halcyon::probe {
namespace {

using testing::HasSubstr;

std::string spinner() { return test::spinner_folder() + "/libspinner.so"; }

Symbols symbols_in(std::string_view bytes) {
  const int fd = ::memfd_create("elf", MFD_CLOEXEC);
  EXPECT_EQ(::write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  return Symbols(fd);
}

TEST(Symbols, AreTheFunctionsAtOffsetsOfTheFile) {
  const std::string bytes = test::read_file(spinner());
  const Symbols symbols = symbols_in(bytes);
  size_t first = 0, last = 0;
  for (size_t offset = 0; offset < bytes.size(); offset++) {
    const auto function = symbols.at(offset);
    if (!function || !demangled(function->name).starts_with("spinner::poll_completion_queue(")) continue;
    if (first == 0) first = offset;
    last = offset;
    EXPECT_EQ(function->size, symbols.at(first)->size);
  }
  ASSERT_GT(first, 0U);
  EXPECT_EQ(last - first + 1, symbols.at(first)->size);
  EXPECT_FALSE(symbols.at(0)) << "the header is no function";
  EXPECT_FALSE(symbols.at(UINT64_MAX));
}

TEST(Symbols, OfTheRunningProgramFitItsLoadAddress) {
  // This very function: from its address, through the map of this process, to its name.
  const auto address = reinterpret_cast<uint64_t>(&symbols_in);
  ASSERT_OK_AND_ASSIGN(const std::vector<Mapping> mappings, executable_mappings(::getpid()));
  const auto mapping = std::ranges::find_if(mappings, [&](const Mapping& m) { return m.contains(address); });
  ASSERT_NE(mapping, mappings.end());
  const int fd = open_mapped_file(::getpid(), *mapping);
  ASSERT_GE(fd, 0);
  const auto function = Symbols(fd).at(address - mapping->begin + mapping->offset);
  ASSERT_TRUE(function);
  EXPECT_THAT(demangled(function->name), HasSubstr("symbols_in"));
}

TEST(Symbols, OfFilesThatAreNoneOrCutShort) {
  EXPECT_FALSE(symbols_in("").at(0));
  EXPECT_FALSE(symbols_in("#!/bin/sh\n").at(0));
  EXPECT_FALSE(symbols_in("\x7f"
                          "ELF")
                   .at(0));
  EXPECT_FALSE(symbols_in("!<arch>\nx").at(0));
  const std::string bytes = test::read_file(spinner());
  for (size_t size = 0; size < bytes.size(); size += 61) {
    const Symbols symbols = symbols_in(std::string_view(bytes).substr(0, size));
    for (size_t offset = 0; offset < bytes.size(); offset += 97) (void)symbols.at(offset);
  }
}

TEST(Symbols, OfFilesWithWrongBytes) {
  const std::string bytes = test::read_file(spinner());
  std::mt19937 random(1);
  for (int i = 0; i < 2000; i++) {
    std::string damaged = bytes;
    // Half of the damage in the header, where it hurts; every other byte as large as can be.
    for (int n = 0; n < 4; n++)
      damaged[random() % (i % 2 == 0 ? 64 : damaged.size())] =
          static_cast<char>(n % 2 == 0 ? 0xff : random());
    const Symbols symbols = symbols_in(damaged);
    for (size_t offset = 0; offset < bytes.size(); offset += 97)
      if (const auto function = symbols.at(offset)) (void)demangled(function->name);
  }
}

TEST(Demangled, IsTheNameAsWritten) {
  EXPECT_EQ(demangled("_ZN4rocr4core7Runtime15AsyncEventsLoopEPv"),
            "rocr::core::Runtime::AsyncEventsLoop(void*)");
  EXPECT_EQ(demangled("main"), "main");
  EXPECT_EQ(demangled("_Znonsense"), "_Znonsense");
}

TEST(Demangled, ALongNameIsTooIfItIsHarmless) {
  EXPECT_THAT(demangled("_ZNSt6thread11_State_implINS_8_InvokerISt5tupleIJZZ4mainENKUlRKNSt7__cxx1112basic_"
                        "stringIcSt11char_"
                        "traitsIcESaIcEEET_E_clIZ4mainEUlvE0_EEDaSA_SB_EUlvE_EEEEE6_M_runEv"),
              HasSubstr("std::thread::_State_impl<"));
}

TEST(Demangled, ANameThatWouldGrowWithoutBoundStaysAsItIs) {
  std::string name = "_Z1fFiiE";  // each round a function of two of the last
  for (char digit = '0'; digit <= '9'; digit++) name += fmt::format("FS{0}_S{0}_E", digit);
  EXPECT_LT(demangled(name).size(), 16U << 20);
  EXPECT_EQ(demangled("_Z" + std::string(4094, 'S')), "_Z" + std::string(4094, 'S'));
  for (char letter = 'A'; letter <= 'Z'; letter++) name += fmt::format("FS{0}_S{0}_E", letter);
  EXPECT_EQ(demangled(name), name);
}

TEST(Maps, AreTheExecutableOnes) {
  const auto mappings = parse_maps(
      "5650d2b3f000-5650d2b43000 r--p 00000000 fe:01 11 /usr/bin/x\n"
      "5650d2b43000-5650d2b59000 r-xp 00004000 fe:01 11     /usr/bin/with a space (deleted)\n"
      "7f0000000000-7f0000001000 rwxp 00000000 00:00 0 \n"
      "7ffd1234a000-7ffd1234c000 r-xp 00000000 00:00 0                          [vdso]\n"
      "garbage\n-\n7f-zz r-xp 0 0 0 /x\n\n");
  ASSERT_EQ(mappings.size(), 3U);
  EXPECT_EQ(mappings[0].path, "/usr/bin/with a space (deleted)");
  EXPECT_EQ(mappings[0].begin, 0x5650d2b43000U);
  EXPECT_EQ(mappings[0].end, 0x5650d2b59000U);
  EXPECT_EQ(mappings[0].offset, 0x4000U);
  EXPECT_EQ(mappings[0].inode, 11U);
  EXPECT_EQ(mappings[1].path, "");
  EXPECT_EQ(mappings[2].path, "[vdso]");
}

TEST(Maps, OfNoProcessOrAHiddenOneAreAnError) {
  const test::FakeProc proc;
  EXPECT_ERROR(executable_mappings(600, proc.root()), HasSubstr("there is no process 600"));
  proc.process(600, {});
  EXPECT_ERROR(executable_mappings(600, proc.root()), HasSubstr("sudo"));
}

}  // namespace
}  // namespace halcyon::probe

#include "probe/symbols.h"

#include <cxxabi.h>
#include <gelf.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

namespace halcyon::probe {
namespace {

/// Bytes of a symbol table, some ten million symbols. A larger one is left out.
constexpr uint64_t kLargestTable = 256 << 20;

/// Bytes of a linker's name, and of the demangled one.
constexpr size_t kLongestSymbol = 4096;
constexpr size_t kLongestName = 16 << 20;

/// How long a demangled name can get at most. Each reference back ("S1_", "T_") can double what came before,
/// and a pack repeat it for each of its members.
size_t demangled_bound(std::string_view name) {
  const size_t per_pack = static_cast<size_t>(std::bit_width(name.size()));
  size_t doublings = 0;
  for (size_t i = 0; i + 1 < name.size(); i++) {
    const size_t end = name.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", i + 1);
    if ((name[i] == 'S' || name[i] == 'T') && end != name.npos && name[end] == '_') doublings++;
    if (name.substr(i, 2) == "Dp" || name.substr(i, 2) == "sp") doublings += per_pack;
  }
  return doublings < 32 ? name.size() << doublings : SIZE_MAX;
}

}  // namespace

void Symbols::add(Elf_Scn* section) {
  GElf_Shdr header;
  if (!::gelf_getshdr(section, &header) || header.sh_size > kLargestTable) return;
  if (header.sh_type != SHT_SYMTAB && header.sh_type != SHT_DYNSYM) return;
  Elf_Data* data = ::elf_getdata(section, nullptr);
  const size_t entry = ::gelf_fsize(elf_.get(), ELF_T_SYM, 1, EV_CURRENT);
  if (!data || entry == 0) return;
  for (size_t i = 0; i < data->d_size / entry; i++) {
    GElf_Sym symbol;
    if (!::gelf_getsym(data, static_cast<int>(i), &symbol)) break;
    const int type = GELF_ST_TYPE(symbol.st_info);
    const bool is_function = type == STT_FUNC || type == STT_GNU_IFUNC;
    if (is_function && symbol.st_shndx != SHN_UNDEF && symbol.st_size > 0)
      symbols_.push_back({symbol.st_value, symbol.st_size, header.sh_link, symbol.st_name});
  }
}

Symbols::Symbols(int fd) {
  ::elf_version(EV_CURRENT);
  // Read and not mapped: a file that shrinks meanwhile is then an error and not a SIGBUS.
  elf_ = {::elf_begin(fd, ELF_C_READ, nullptr), [fd](Elf* elf) {
            ::elf_end(elf);
            ::close(fd);
          }};
  size_t n_segments = 0;
  if (::elf_kind(elf_.get()) != ELF_K_ELF || ::elf_getphdrnum(elf_.get(), &n_segments) != 0) return;
  for (size_t i = 0; i < n_segments; i++) {
    GElf_Phdr header;
    if (!::gelf_getphdr(elf_.get(), static_cast<int>(i), &header)) break;
    if (header.p_type == PT_LOAD) segments_.push_back({header.p_offset, header.p_filesz, header.p_vaddr});
  }
  for (Elf_Scn* section = nullptr; (section = ::elf_nextscn(elf_.get(), section));) add(section);
  std::ranges::stable_sort(symbols_, {}, &Symbol::address);
}

std::optional<Function> Symbols::at(uint64_t offset) const {
  const auto segment = std::ranges::find_if(
      segments_, [&](const Segment& s) { return offset >= s.offset && offset - s.offset < s.size; });
  if (segment == segments_.end()) return std::nullopt;
  const uint64_t address = offset - segment->offset + segment->address;
  const auto behind = std::ranges::upper_bound(symbols_, address, {}, &Symbol::address);
  if (behind == symbols_.begin()) return std::nullopt;
  // Of several names for one address, the first in the file.
  const auto first =
      std::ranges::lower_bound(symbols_.begin(), behind, std::prev(behind)->address, {}, &Symbol::address);
  const auto found =
      std::find_if(first, behind, [&](const Symbol& s) { return address - s.address < s.size; });
  const char* name = found == behind ? nullptr : ::elf_strptr(elf_.get(), found->strings, found->name);
  if (!name || !*name) return std::nullopt;
  return Function{found->address, found->size, std::string(name, ::strnlen(name, kLongestSymbol))};
}

std::string demangled(const std::string& name) {
  if (!name.starts_with("_Z") || demangled_bound(name) > kLongestName) return name;
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> plain(
      abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), &std::free);
  return status == 0 && plain ? plain.get() : name;
}

}  // namespace halcyon::probe

// The functions of an ELF file.
#pragma once

#include <libelf.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace halcyon::probe {

struct Function {
  uint64_t address = 0;  ///< as the file has it, before it is loaded anywhere
  uint64_t size = 0;     ///< bytes
  std::string name;      ///< as the linker knows it, cut after 4096 bytes
};

/// Of .symtab and .dynsym. A file that is damaged, or not ELF at all, has no functions or few.
class Symbols {
 public:
  Symbols() = default;

  /// Of an open file, which is closed with the last copy of this object.
  explicit Symbols(int fd);

  /// The function that the byte at `offset` of the file belongs to.
  std::optional<Function> at(uint64_t offset) const;

 private:
  struct Segment {
    uint64_t offset, size, address;
  };
  struct Symbol {
    uint64_t address, size;
    size_t strings, name;  ///< the section that has its name, and where there
  };
  void add(Elf_Scn* section);

  std::shared_ptr<Elf> elf_;
  std::vector<Segment> segments_;
  std::vector<Symbol> symbols_;  ///< by address
};

/// The C++ name behind a linker's name; that itself if it is none, or longer than a bound: with a made-up
/// name the result would grow exponentially.
std::string demangled(const std::string& name);

}  // namespace halcyon::probe

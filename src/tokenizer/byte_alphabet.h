// GPT-2's byte alphabet: every byte is written as one printable character, so that a vocabulary is text.
#pragma once

#include <array>
#include <cstdint>

namespace halcyon::tokenizer {

/// Byte -> code point: printable Latin-1 stands for itself, the other 68 bytes are U+0100, U+0101, … in
/// order.
inline constexpr std::array<char32_t, 256> kByteToAlphabet = [] {
  std::array<char32_t, 256> table{};
  char32_t next = 0x100;
  for (char32_t byte = 0; byte < 256; byte++) {
    const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    table[byte] = printable ? byte : next++;
  }
  return table;
}();

/// Code point -> byte, or -1 for a code point that is not in the alphabet.
inline constexpr std::array<int16_t, 0x100 + 68> kAlphabetToByte = [] {
  std::array<int16_t, 0x100 + 68> table{};
  table.fill(-1);
  for (int16_t byte = 0; byte < 256; byte++) table[kByteToAlphabet[static_cast<size_t>(byte)]] = byte;
  return table;
}();

}  // namespace halcyon::tokenizer

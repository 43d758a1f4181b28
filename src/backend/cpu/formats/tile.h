// How weights lie in memory once they are packed, and what the formats share.
//
// A matrix is cut into tiles of 16 rows (outputs). A tile is a sequence of blocks along the input dimension;
// in each block the 16 rows are interleaved, so that lane r of a register belongs to row r: first the scales,
// [groups][16 rows], then the codes as 32-bit words, [words][16 rows]. A kernel thus reads a tile from front
// to back, once; were the scales last, the first group would need them before they are asked for. A block is
// whole cache lines, and so are its scales: a register that straddles two of them takes twice as long to
// load. Small blocks of a file are put together for that (Together), scales of large ones padded.
//
// A format is a struct with
//   kType       the GGUF type it packs
//   kBlock      elements of a block; kGroup: elements that share a scale, 16 or 32
//   kBytes      bytes of a block of 16 rows, a multiple of 64
//   kMaxCode    the largest absolute value of a code, up to 128
//   kMiddle     code + kMiddle is never negative, and fits into a byte; a power of two, or 0
//   kRepeatsAfter  optional: 32s of inputs after which codes() is the same instructions again; a divisor
//               of kBlock / 32
//   kHasMinimum whether something is subtracted from code * scale
//   pack(src, row, block)           puts one block of one row, as it is in the file, into its lane
//   codes<S>(block, group, out)     kGroup / 4 words with four consecutive codes in each: signed bytes, or
//                                   with kMiddle added if S::kUnsignedCodes
//   scale<S>(block, group), minimum<S>(block, group)
#pragma once

#include <cstdint>
#include <cstring>

#include "backend/cpu/pack.h"
#include "quant/float.h"
#include "quant/tables.h"
#include "quant/type.h"

namespace halcyon::cpu {

inline uint32_t read_u32(const uint8_t* p) {
  uint32_t word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

inline uint16_t read_u16(const uint8_t* p) {
  uint16_t half;
  std::memcpy(&half, p, sizeof half);
  return half;
}

inline void put_word(uint8_t* words, int index, int row, uint32_t value) {
  std::memcpy(words + 64 * index + 4 * row, &value, sizeof value);
}

inline void put_words(uint8_t* words, int row, const uint8_t* src, int n) {
  for (int i = 0; i < n; ++i) put_word(words, i, row, read_u32(src + 4 * i));
}

inline void put_half(uint8_t* halves, int row, uint16_t value) {
  std::memcpy(halves + 2 * row, &value, sizeof value);
}

/// Bit i of the low four goes to bit 8 i.
inline uint32_t spread_bits(uint32_t four) { return ((four & 15) * 0x00204081u) & 0x01010101u; }

/// Two-bit field i of the low four goes to bits 8 i and 8 i + 1.
inline uint32_t spread_pairs(uint32_t four) {
  return (four & 3) | (four & 0xC) << 6 | (four & 0x30) << 12 | (four & 0xC0) << 18;
}

template <class S>
inline typename S::I words(const uint8_t* base, int index) {
  return S::load_words(base + 64 * index);
}

/// The field of `width` bits that starts at bit `shift` of each byte.
template <class S, int width>
inline typename S::I field(typename S::I word, int shift) {
  return S::and_i(S::shr_by(word, shift), S::set1_i(((1 << width) - 1) * 0x01010101));
}

/// The field of `width` bits that starts at bit `from` of each byte, moved to bit `to`.
template <class S, int width, int to>
inline typename S::I field_to(typename S::I word, int from) {
  const typename S::I moved = from >= to ? S::shr_by(word, from - to) : S::shl_by(word, to - from);
  return S::and_i(moved, S::set1_i((((1 << width) - 1) << to) * 0x01010101));
}

/// Bytes of n words that have `middle` added become codes as S wants them.
template <class S, int middle>
inline void without(typename S::I* codes, int n) {
  if constexpr (!S::kUnsignedCodes) {
#pragma GCC unroll 8
    for (int w = 0; w < n; ++w) codes[w] = S::sub_i8(codes[w], S::set1_i(middle * 0x01010101));
  }
}

/// The codes of 32 elements from four words of nibbles: low nibbles first, as in Q4_0.
template <class S>
inline void nibbles32(const uint8_t* base, typename S::I* out) {
#pragma GCC unroll 4
  for (int w = 0; w < 4; ++w) {
    const typename S::I word = words<S>(base, w);
    out[w] = field<S, 4>(word, 0);
    out[w + 4] = field<S, 4>(word, 4);
  }
}

/// Half of the UE4M3 value of 16 bytes, none above 0x7E: the bits of a normal one, moved, are those of a
/// float with another bias; below 8 they are a multiple of 2^-10. No float subnormal is formed: those cost a
/// hundred cycles.
template <class S>
inline typename S::F ue4m3_half(const uint8_t* bytes) {
  const typename S::I e = S::load_u8(bytes);
  const typename S::F normal = S::as_float(S::add_i(S::template shl<20>(e), S::set1_i(119 << 23)));
  return S::where_less(e, S::set1_i(8), S::mul(S::to_float(e), S::set1(0x1p-10f)), normal);
}

/// `n` small blocks of a file as one. Small is a format whose pack() takes the places of codes and scales,
/// whose codes() takes the former, and scale() and minimum() the latter. A row may end within a block.
template <class Small, int n>
struct Together {
  static constexpr quant::Type kType = Small::kType;
  static constexpr int kSmall = Small::kBlock, kBlock = n * kSmall, kGroup = Small::kGroup;
  static constexpr int kMaxCode = Small::kMaxCode, kMiddle = Small::kMiddle;
  static constexpr int kCodesAt = n * Small::kScales, kBytes = kCodesAt + n * Small::kCodes;
  static constexpr bool kHasMinimum = Small::kHasMinimum;
  static constexpr int kGroups = kSmall / kGroup;

  /// Small block `index`.
  static void pack(const uint8_t* src, int row, uint8_t* block, int index) {
    Small::pack(src, row, block + kCodesAt + index * Small::kCodes, block + index * Small::kScales);
  }
  template <class S>
  static void codes(const uint8_t* block, int j, typename S::I* out) {
    Small::template codes<S>(block + kCodesAt + j / kGroups * Small::kCodes, j % kGroups, out);
  }
  template <class S>
  static typename S::F scale(const uint8_t* block, int j) {
    return Small::template scale<S>(block + j / kGroups * Small::kScales, j % kGroups);
  }
  template <class S>
  static typename S::F minimum(const uint8_t* block, int j) {
    return Small::template minimum<S>(block + j / kGroups * Small::kScales, j % kGroups);
  }
};

/// Bytes that mean no number (formats: "decode to 0") become the byte for 0.
inline uint8_t valid_ue4m3(uint8_t e) { return e <= 0x7E ? e : 0; }

}  // namespace halcyon::cpu

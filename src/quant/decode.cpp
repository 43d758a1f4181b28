// One short function per block format, straight from its layout. Products go from left to right, so that even
// the sign of a zero is that of the definition.
#include "quant/decode.h"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "quant/float.h"
#include "quant/tables.h"

namespace halcyon::quant {
namespace {

static_assert(std::endian::native == std::endian::little, "tensor data is read as it lies in the file");

template <class T>
T load(const uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

float f16_at(const uint8_t* at) { return f16_to_f32(load<uint16_t>(at)); }

int bit(uint32_t word, int i) { return static_cast<int>(word >> i & 1); }

/// y[i] = scale * code(i) for i below n.
template <class Code>
void scaled(float scale, Code code, int n, float* y) {
  for (int i = 0; i < n; ++i) y[i] = scale * static_cast<float>(code(i));
}

/// Calls `decode_block(bytes, y)` for each of the blocks of `n` elements.
template <size_t kBlock, size_t kBytes, class DecodeBlock>
void for_each_block(const std::byte* src, float* dst, size_t n, DecodeBlock decode_block) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(src);
  for (size_t block = 0; block < n / kBlock; ++block)
    decode_block(bytes + block * kBytes, dst + block * kBlock);
}

/// Element i of 32: byte j holds element j in its low and element j + 16 in its high nibble.
int nibble(const uint8_t* qs, int i) { return i < 16 ? qs[i] & 15 : qs[i - 16] >> 4; }

/// Sixteen codes of `kWidth` bits from a little-endian string of them; `kWidth` bytes hold eight.
template <int kWidth>
std::array<uint8_t, 16> unpack(const uint8_t* qs) {
  std::array<uint8_t, 16> codes;
  for (int half = 0; half < 2; ++half) {
    uint64_t eight = 0;
    std::memcpy(&eight, qs + half * kWidth, kWidth);
    for (int i = 0; i < 8; ++i) codes[8 * half + i] = eight >> (i * kWidth) & ((1 << kWidth) - 1);
  }
  return codes;
}

struct ScaleMin {
  int scale, min;
};

/// Sub-block j = 0..7 of the twelve packed bytes of Q4_K and Q5_K.
ScaleMin scale_min(const uint8_t* s, int j) {
  if (j < 4) return {s[j] & 63, s[j + 4] & 63};
  return {(s[j + 4] & 15) | (s[j - 4] >> 6 << 4), (s[j + 4] >> 4) | (s[j] >> 6 << 4)};
}

/// What Q4_K and Q5_K share: eight sub-blocks of 32, value = d * scale * code - dmin * min.
template <class Code>
void decode_k_sub_blocks(const uint8_t* b, Code code, float* y) {
  const float d = f16_at(b), dmin = f16_at(b + 2);
  for (int j = 0; j < 8; ++j) {
    const ScaleMin packed = scale_min(b + 4, j);
    const float scale = d * static_cast<float>(packed.scale), min = dmin * static_cast<float>(packed.min);
    for (int l = 0; l < 32; ++l) y[32 * j + l] = scale * static_cast<float>(code(j, l)) - min;
  }
}

}  // namespace

void decode_f32(const std::byte* src, float* dst, size_t n) {
  if (n > 0) std::memcpy(dst, src, n * sizeof(float));
}

void decode_f16(const std::byte* src, float* dst, size_t n) {
  for_each_block<1, 2>(src, dst, n, [](const uint8_t* b, float* y) { *y = f16_at(b); });
}

void decode_bf16(const std::byte* src, float* dst, size_t n) {
  for_each_block<1, 2>(src, dst, n, [](const uint8_t* b, float* y) { *y = bf16_to_f32(load<uint16_t>(b)); });
}

void decode_q4_0(const std::byte* src, float* dst, size_t n) {
  for_each_block<32, 18>(src, dst, n, [](const uint8_t* b, float* y) {
    scaled(
        f16_at(b), [qs = b + 2](int i) { return nibble(qs, i) - 8; }, 32, y);
  });
}

void decode_q4_1(const std::byte* src, float* dst, size_t n) {
  for_each_block<32, 20>(src, dst, n, [](const uint8_t* b, float* y) {
    const float d = f16_at(b), m = f16_at(b + 2);
    for (int i = 0; i < 32; ++i) y[i] = static_cast<float>(nibble(b + 4, i)) * d + m;
  });
}

void decode_q5_0(const std::byte* src, float* dst, size_t n) {
  for_each_block<32, 22>(src, dst, n, [](const uint8_t* b, float* y) {
    const auto qh = load<uint32_t>(b + 2);
    scaled(
        f16_at(b), [&](int i) { return (nibble(b + 6, i) | bit(qh, i) << 4) - 16; }, 32, y);
  });
}

void decode_q5_1(const std::byte* src, float* dst, size_t n) {
  for_each_block<32, 24>(src, dst, n, [](const uint8_t* b, float* y) {
    const float d = f16_at(b), m = f16_at(b + 2);
    const auto qh = load<uint32_t>(b + 4);
    for (int i = 0; i < 32; ++i) y[i] = static_cast<float>(nibble(b + 8, i) | bit(qh, i) << 4) * d + m;
  });
}

void decode_q8_0(const std::byte* src, float* dst, size_t n) {
  for_each_block<32, 34>(src, dst, n, [](const uint8_t* b, float* y) {
    scaled(
        f16_at(b), [qs = b + 2](int i) { return static_cast<int8_t>(qs[i]); }, 32, y);
  });
}

// In the three formats with sixteen sub-blocks of 16, sub-block j is half `l` of row `s` (bits 2s, 2s + 1) of
// the 32 bytes that hold the 128 elements of group h.

void decode_q2_K(const std::byte* src, float* dst, size_t n) {
  for_each_block<256, 84>(src, dst, n, [](const uint8_t* b, float* y) {
    const float d = f16_at(b + 80), dmin = f16_at(b + 82);
    for (int j = 0; j < 16; ++j) {
      const int h = j / 8, s = j % 8 / 2, l = j % 2 * 16;
      const float scale = d * static_cast<float>(b[j] & 15), min = dmin * static_cast<float>(b[j] >> 4);
      const uint8_t* qs = b + 16 + 32 * h + l;
      for (int i = 0; i < 16; ++i) y[16 * j + i] = scale * static_cast<float>(qs[i] >> (2 * s) & 3) - min;
    }
  });
}

void decode_q3_K(const std::byte* src, float* dst, size_t n) {
  for_each_block<256, 110>(src, dst, n, [](const uint8_t* b, float* y) {
    const float d = f16_at(b + 108);
    const uint8_t* scales = b + 96;
    for (int j = 0; j < 16; ++j) {
      const int h = j / 8, s = j % 8 / 2, l = j % 2 * 16;
      const int low = j < 8 ? scales[j] & 15 : scales[j - 8] >> 4;
      const int high = scales[8 + j % 4] >> (2 * (j / 4)) & 3;
      const uint8_t *hmask = b + l, *qs = b + 32 + 32 * h + l;
      const auto code = [=](int i) { return ((qs[i] >> (2 * s) & 3) | bit(hmask[i], j / 2) << 2) - 4; };
      scaled(d * static_cast<float>((low | high << 4) - 32), code, 16, y + 16 * j);
    }
  });
}

void decode_q4_K(const std::byte* src, float* dst, size_t n) {
  for_each_block<256, 144>(src, dst, n, [](const uint8_t* b, float* y) {
    const auto code = [qs = b + 16](int j, int l) { return qs[j / 2 * 32 + l] >> (j % 2 * 4) & 15; };
    decode_k_sub_blocks(b, code, y);
  });
}

void decode_q5_K(const std::byte* src, float* dst, size_t n) {
  for_each_block<256, 176>(src, dst, n, [](const uint8_t* b, float* y) {
    const auto code = [qh = b + 16, qs = b + 48](int j, int l) {
      return (qs[j / 2 * 32 + l] >> (j % 2 * 4) & 15) | bit(qh[l], j) << 4;
    };
    decode_k_sub_blocks(b, code, y);
  });
}

void decode_q6_K(const std::byte* src, float* dst, size_t n) {
  for_each_block<256, 210>(src, dst, n, [](const uint8_t* b, float* y) {
    const float d = f16_at(b + 208);
    for (int j = 0; j < 16; ++j) {
      const int h = j / 8, s = j % 8 / 2, l = j % 2 * 16;
      const uint8_t *ql = b + 64 * h + s % 2 * 32 + l, *qh = b + 128 + 32 * h + l;
      const auto code = [=](int i) {
        return ((ql[i] >> (s / 2 * 4) & 15) | (qh[i] >> (2 * s) & 3) << 4) - 32;
      };
      scaled(d * static_cast<float>(static_cast<int8_t>(b[192 + j])), code, 16, y + 16 * j);
    }
  });
}

void decode_iq4_nl(const std::byte* src, float* dst, size_t n) {
  for_each_block<32, 18>(src, dst, n, [](const uint8_t* b, float* y) {
    scaled(
        f16_at(b), [qs = b + 2](int i) { return kIq4Nl[nibble(qs, i)]; }, 32, y);
  });
}

void decode_iq4_xs(const std::byte* src, float* dst, size_t n) {
  for_each_block<256, 136>(src, dst, n, [](const uint8_t* b, float* y) {
    const float d = f16_at(b);
    const auto scales_high = load<uint16_t>(b + 2);
    for (int j = 0; j < 8; ++j) {
      const int scale = (b[4 + j / 2] >> (j % 2 * 4) & 15) | (scales_high >> (2 * j) & 3) << 4;
      const auto code = [qs = b + 8 + 16 * j](int i) { return kIq4Nl[nibble(qs, i)]; };
      scaled(d * static_cast<float>(scale - 32), code, 32, y + 32 * j);
    }
  });
}

void decode_mxfp4(const std::byte* src, float* dst, size_t n) {
  for_each_block<32, 17>(src, dst, n, [](const uint8_t* b, float* y) {
    scaled(
        e8m0_half(b[0]), [qs = b + 1](int i) { return kE2m1Doubled[nibble(qs, i)]; }, 32, y);
  });
}

void decode_nvfp4(const std::byte* src, float* dst, size_t n) {
  for_each_block<64, 36>(src, dst, n, [](const uint8_t* b, float* y) {
    for (int t = 0; t < 4; ++t) {
      const uint8_t* qs = b + 4 + 8 * t;
      const auto code = [=](int i) { return kE2m1Doubled[i < 8 ? qs[i] & 15 : qs[i - 8] >> 4]; };
      scaled(ue4m3_half(b[t] & 0x7F), code, 16, y + 16 * t);  // the sign bit has no meaning
    }
  });
}

void decode_q4_0_rocmfp4(const std::byte* src, float* dst, size_t n) {
  for_each_block<32, 18>(src, dst, n, [](const uint8_t* b, float* y) {
    scaled(
        ue4m3_half(b[16]), [b](int i) { return kCodebook10[b[i] & 15]; }, 16, y);
    scaled(
        ue4m3_half(b[17]), [b](int i) { return kCodebook10[b[i] >> 4]; }, 16, y + 16);
  });
}

void decode_q4_0_rocmfp4_fast(const std::byte* src, float* dst, size_t n) {
  for_each_block<32, 17>(src, dst, n, [](const uint8_t* b, float* y) {
    scaled(
        ue4m3_half(b[16]), [b](int i) { return kCodebook10[nibble(b, i)]; }, 32, y);
  });
}

void decode_q2_0_rocmfpx(const std::byte* src, float* dst, size_t n) {
  for_each_block<32, 10>(src, dst, n, [](const uint8_t* b, float* y) {
    for (int half = 0; half < 2; ++half) {
      const auto codes = unpack<2>(b + 4 * half);
      scaled(
          ue4m3_half(b[8 + half]), [&](int i) { return kRocmfpx2[codes[i]]; }, 16, y + 16 * half);
    }
  });
}

void decode_q3_0_rocmfpx(const std::byte* src, float* dst, size_t n) {
  for_each_block<32, 14>(src, dst, n, [](const uint8_t* b, float* y) {
    for (int half = 0; half < 2; ++half) {
      const auto codes = unpack<3>(b + 6 * half);
      scaled(
          ue4m3_half(b[12 + half]), [&](int i) { return kRocmfpx3[codes[i]]; }, 16, y + 16 * half);
    }
  });
}

void decode_q6_0_rocmfpx(const std::byte* src, float* dst, size_t n) {
  // Sign and magnitude; what would be -0 is -32.
  const auto value = [](int code) { return code < 32 ? code : code == 32 ? -32 : 32 - code; };
  for_each_block<32, 26>(src, dst, n, [value](const uint8_t* b, float* y) {
    for (int half = 0; half < 2; ++half) {
      const auto codes = unpack<6>(b + 12 * half);
      scaled(
          ue4m3_half(b[24 + half]), [&](int i) { return value(codes[i]); }, 16, y + 16 * half);
    }
  });
}

void decode_q8_0_rocmfpx(const std::byte* src, float* dst, size_t n) {
  for_each_block<32, 33>(src, dst, n, [](const uint8_t* b, float* y) {
    scaled(
        ue4m3_half(b[32]), [b](int i) { return static_cast<int8_t>(b[i]); }, 32, y);
  });
}

}  // namespace halcyon::quant

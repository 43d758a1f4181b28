// Random weights in any block format, with scales of ordinary size.
#pragma once

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "quant/float.h"
#include "quant/type.h"

namespace halcyon::test {

/// n elements (a multiple of the block): random codes; float16 scales of 2^-7 to 2^-5, UE4M3 and E8M0 ones
/// alike.
inline std::vector<std::byte> random_blocks(quant::Type type, int64_t n, std::mt19937& rng) {
  using quant::Type;
  const quant::Traits& t = quant::traits(type);
  std::vector<uint8_t> out(static_cast<size_t>(n) / t.block * t.bytes);
  for (uint8_t& b : out) b = static_cast<uint8_t>(rng());
  std::uniform_real_distribution<float> scale(0x1p-7f, 0x1p-5f), value(-1, 1);
  const auto half = [&](uint8_t* at) {
    const uint16_t h = quant::f32_to_f16(scale(rng));
    at[0] = static_cast<uint8_t>(h), at[1] = static_cast<uint8_t>(h >> 8);
  };
  const auto bytes = [&](uint8_t* at, int count, int low, int high) {
    for (int i = 0; i < count; ++i)
      at[i] = static_cast<uint8_t>(low + static_cast<int>(rng() % (high - low)));
  };
  for (uint8_t* b = out.data(); b < out.data() + out.size(); b += t.bytes) {
    switch (type) {
      case Type::f32: {
        const float v = value(rng);
        std::memcpy(b, &v, 4);
        break;
      }
      case Type::f16: {
        const uint16_t v = quant::f32_to_f16(value(rng));
        std::memcpy(b, &v, 2);
        break;
      }
      case Type::bf16: {
        const uint16_t v = quant::f32_to_bf16(value(rng));
        std::memcpy(b, &v, 2);
        break;
      }
      case Type::q4_0:
      case Type::q5_0:
      case Type::q8_0:
      case Type::iq4_nl:
      case Type::iq4_xs:
        half(b);
        break;
      case Type::q4_1:
      case Type::q5_1:
      case Type::q4_K:
      case Type::q5_K:
        half(b), half(b + 2);
        break;
      case Type::q2_K:
        half(b + 80), half(b + 82);
        break;
      case Type::q3_K:
        half(b + 108);
        break;
      case Type::q6_K:
        half(b + 208);
        break;
      case Type::mxfp4:
        bytes(b, 1, 118, 124);
        break;
      case Type::nvfp4:
        bytes(b, 4, 0, 0x30);
        break;
      case Type::q4_0_rocmfp4:
        bytes(b + 16, 2, 0, 0x30);
        break;
      case Type::q4_0_rocmfp4_fast:
        bytes(b + 16, 1, 0, 0x30);
        break;
      case Type::q6_0_rocmfpx:
        bytes(b + 24, 2, 0, 0x20);
        break;
      case Type::q8_0_rocmfpx:
        bytes(b + 32, 1, 0, 0x10);
        break;
      case Type::q3_0_rocmfpx:
        bytes(b + 12, 2, 0, 0x30);
        break;
      case Type::q2_0_rocmfpx:
        bytes(b + 8, 2, 0, 0x30);
        break;
      default:
        break;
    }
  }
  std::vector<std::byte> result(out.size());
  std::memcpy(result.data(), out.data(), out.size());
  return result;
}

/// All types that have a decoder and a kernel.
inline std::vector<quant::Type> runnable_types() {
  std::vector<quant::Type> types;
  for (int32_t id = 0; id < 128; ++id)
    if (const quant::Traits* t = quant::find_traits(id); t && t->decode) types.push_back(t->type);
  return types;
}

}  // namespace halcyon::test

#include <array>

#include "quant/decode.h"
#include "quant/type.h"

namespace halcyon::quant {
namespace {

constexpr std::array kTraits{
    Traits{Type::f32, "f32", 1, 4, decode_f32},
    Traits{Type::f16, "f16", 1, 2, decode_f16},
    Traits{Type::q4_0, "q4_0", 32, 18, decode_q4_0},
    Traits{Type::q4_1, "q4_1", 32, 20, decode_q4_1},
    Traits{Type::q5_0, "q5_0", 32, 22, decode_q5_0},
    Traits{Type::q5_1, "q5_1", 32, 24, decode_q5_1},
    Traits{Type::q8_0, "q8_0", 32, 34, decode_q8_0},
    Traits{Type::q8_1, "q8_1", 32, 36, nullptr},
    Traits{Type::q2_K, "q2_K", 256, 84, decode_q2_K},
    Traits{Type::q3_K, "q3_K", 256, 110, decode_q3_K},
    Traits{Type::q4_K, "q4_K", 256, 144, decode_q4_K},
    Traits{Type::q5_K, "q5_K", 256, 176, decode_q5_K},
    Traits{Type::q6_K, "q6_K", 256, 210, decode_q6_K},
    Traits{Type::q8_K, "q8_K", 256, 292, nullptr},
    Traits{Type::iq2_xxs, "iq2_xxs", 256, 66, nullptr},
    Traits{Type::iq2_xs, "iq2_xs", 256, 74, nullptr},
    Traits{Type::iq3_xxs, "iq3_xxs", 256, 98, nullptr},
    Traits{Type::iq1_s, "iq1_s", 256, 50, nullptr},
    Traits{Type::iq4_nl, "iq4_nl", 32, 18, decode_iq4_nl},
    Traits{Type::iq3_s, "iq3_s", 256, 110, nullptr},
    Traits{Type::iq2_s, "iq2_s", 256, 82, nullptr},
    Traits{Type::iq4_xs, "iq4_xs", 256, 136, decode_iq4_xs},
    Traits{Type::i8, "i8", 1, 1, nullptr},
    Traits{Type::i16, "i16", 1, 2, nullptr},
    Traits{Type::i32, "i32", 1, 4, nullptr},
    Traits{Type::i64, "i64", 1, 8, nullptr},
    Traits{Type::f64, "f64", 1, 8, nullptr},
    Traits{Type::iq1_m, "iq1_m", 256, 56, nullptr},
    Traits{Type::bf16, "bf16", 1, 2, decode_bf16},
    Traits{Type::tq1_0, "tq1_0", 256, 54, nullptr},
    Traits{Type::tq2_0, "tq2_0", 256, 66, nullptr},
    Traits{Type::mxfp4, "mxfp4", 32, 17, decode_mxfp4},
    Traits{Type::nvfp4, "nvfp4", 64, 36, decode_nvfp4},
    Traits{Type::q1_0, "q1_0", 128, 18, nullptr},
    Traits{Type::q4_0_rocmfp4, "q4_0_rocmfp4", 32, 18, decode_q4_0_rocmfp4},
    Traits{Type::q4_0_rocmfp4_fast, "q4_0_rocmfp4_fast", 32, 17, decode_q4_0_rocmfp4_fast},
    Traits{Type::q6_0_rocmfpx, "q6_0_rocmfpx", 32, 26, decode_q6_0_rocmfpx},
    Traits{Type::q8_0_rocmfpx, "q8_0_rocmfpx", 32, 33, decode_q8_0_rocmfpx},
    Traits{Type::q3_0_rocmfpx, "q3_0_rocmfpx", 32, 14, decode_q3_0_rocmfpx},
    Traits{Type::q2_0_rocmfpx, "q2_0_rocmfpx", 32, 10, decode_q2_0_rocmfpx},
};

constexpr int kMaxId = 107;

constexpr auto kById = [] {
  std::array<const Traits*, kMaxId + 1> by_id{};
  for (const Traits& t : kTraits) by_id[static_cast<size_t>(t.type)] = &t;
  return by_id;
}();

}  // namespace

const Traits* find_traits(int32_t type_id) {
  return type_id < 0 || type_id > kMaxId ? nullptr : kById[static_cast<size_t>(type_id)];
}

const Traits& traits(Type type) { return *find_traits(static_cast<int32_t>(type)); }

}  // namespace halcyon::quant

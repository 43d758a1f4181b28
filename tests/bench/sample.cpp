#include "tests/bench/sample.h"

namespace halcyon::bench::test {

std::vector<ModelFile> sample_models() {
  std::vector<ModelFile> models;
  models.push_back({.path = "models/a|b \"c\".gguf",
                    .name = "a<b>",
                    .type = "qwen3 4.0B Q4_K",
                    .file = {},
                    .summary = {.n_params = 4'000'000'000,
                                .tensor_bytes = uint64_t{2} << 30,
                                .parameter_size = "4.0B",
                                .quantization = "Q4_K"}});
  return models;
}

CaseResult sample_result() {
  const backend::Limits limits = {.read = {.per_second = 10e9, .how = "reading, 2 streams"},
                                  .int8_macs = {.per_second = 100e9, .how = "vpmaddubsw, 12 sums"},
                                  .float_macs = {.per_second = 50e9, .how = "vfmadd, 12 sums"},
                                  .bf16_macs = {}};
  return {
      .index = 0,
      .n_cases = 2,
      .setup = {.model = 0, .kv = backend::KvType::f16, .isa = "avx2", .threads = 2},
      .what = {.kind = Case::Kind::decode, .n_tokens = 100, .depth = 0, .n_parallel = 1},
      .n_batch = 256,
      .started_at = "2026-05-31T14:22:33Z",
      .load_seconds = 0.5,
      .cold_seconds = 2,
      .is_after_load = true,
      .seconds = {1.0, 1.1, 0.9},
      .cpu_seconds = 6,
      .price =
          Price{.joules = 0.04, .above_idle = {}, .source = "estimated: \"CPU time\"", .is_measured = false},
      .peak_memory = 3 << 20,
      .logits_hash = 0x0123456789ABCDEF,
      .work = {.weight_bytes = 1.5e9, .state_bytes = 0.5e9, .int8_macs = 8e9},
      .before = limits,
      .after = limits};
}

}  // namespace halcyon::bench::test

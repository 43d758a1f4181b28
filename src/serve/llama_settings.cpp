#include "serve/llama_settings.h"

#include <algorithm>
#include <cstdlib>

#include "serve/answer_json.h"

namespace halcyon::serve {
namespace {

/// The number as the client wrote it: 0.7, and not 0.699999988079071.
double decimal(float x) { return std::strtod(fmt::format("{}", x).c_str(), nullptr); }

Json bias_json(const engine::SamplingParams& sampling) {
  Json list = Json::array();
  for (const auto& [token, bias] : sampling.logit_bias)
    list.push_back({{"bias", finite(bias)}, {"token", token}});
  return list;
}

}  // namespace

Json sampler_names() { return {"penalties", "dry", "top_k", "typ_p", "top_p", "min_p", "temperature"}; }

Json settings_json(const CompletionSettings& settings) {
  const engine::Request& request = settings.request;
  const engine::SamplingParams& p = request.sampling;
  return {{"seed", p.seed.value_or(kRandomSeed)},
          {"temperature", decimal(p.temperature)},
          {"dynatemp_range", 0},
          {"dynatemp_exponent", 1},
          {"top_k", p.top_k},
          {"top_p", decimal(p.top_p)},
          {"min_p", decimal(p.min_p)},
          {"top_n_sigma", -1},
          {"xtc_probability", 0},
          {"xtc_threshold", 0.1},
          {"typical_p", decimal(p.typical_p)},
          {"repeat_last_n", p.repeat_last_n},
          {"repeat_penalty", decimal(p.repeat_penalty)},
          {"presence_penalty", decimal(p.presence_penalty)},
          {"frequency_penalty", decimal(p.frequency_penalty)},
          {"dry_multiplier", decimal(p.dry_multiplier)},
          {"dry_base", decimal(p.dry_base)},
          {"dry_allowed_length", p.dry_allowed_length},
          {"dry_penalty_last_n", p.dry_penalty_last_n},
          {"dry_sequence_breakers", p.dry_sequence_breakers},
          {"mirostat", 0},
          {"mirostat_tau", 5},
          {"mirostat_eta", 0.1},
          {"stop", request.stop},
          {"max_tokens", request.max_tokens},
          {"n_predict", request.max_tokens},
          {"n_keep", 0},
          {"n_discard", 0},
          {"ignore_eos", request.ignore_eos},
          {"stream", settings.stream},
          {"logit_bias", bias_json(p)},
          {"n_probs", std::max(request.n_probs, 0)},
          {"min_keep", 0},
          {"grammar", settings.grammar},
          {"grammar_lazy", false},
          {"grammar_triggers", Json::array()},
          {"preserved_tokens", Json::array()},
          {"chat_format", "Content-only"},
          {"reasoning_format", "none"},
          {"reasoning_in_content", false},
          {"generation_prompt", ""},
          {"samplers", sampler_names()},
          {"speculative.types", "none"},
          {"timings_per_token", settings.timings_per_token},
          {"post_sampling_probs", false},
          {"backend_sampling", false},
          {"lora", Json::array()}};
}

}  // namespace halcyon::serve

#include "serve/sampling_fields.h"

#include <charconv>
#include <limits>

#include "base/quote.h"

namespace halcyon::serve {
namespace {

constexpr size_t kMaxStops = 64;
constexpr size_t kMaxBiases = 10'000;
constexpr int64_t kMaxInt = std::numeric_limits<int32_t>::max();

/// OpenAI's {"123": 4.5}, or llama-server's [[123, 4.5], [456, false]].
void read_logit_bias(Fields& fields, engine::SamplingParams& sampling) {
  const Json* value = fields.find("logit_bias");
  if (!value) return;
  const auto add = [&](int64_t token, const Json& bias) {
    if (token < 0 || token > kMaxInt)
      return fields.reject("logit_bias", "names token {}, which is none", token);
    if (bias.is_boolean() && !bias.get<bool>()) {
      sampling.logit_bias.emplace_back(static_cast<int32_t>(token), -std::numeric_limits<float>::infinity());
    } else if (bias.is_number()) {
      sampling.logit_bias.emplace_back(static_cast<int32_t>(token), bias.get<float>());
    } else {
      fields.reject("logit_bias", "has a bias that is neither a number nor false");
    }
  };
  if (!value->is_structured() || value->size() > kMaxBiases)
    return fields.reject("logit_bias", "has to be an object or a list of at most {} pairs", kMaxBiases);
  if (value->is_object()) {
    for (const auto& [key, bias] : value->items()) {
      int64_t token = -1;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), token);
      if (error != std::errc() || end != key.data() + key.size())
        return fields.reject("logit_bias", "has the key {}, which is no token id", quote(key));
      add(token, bias);
    }
    return;
  }
  for (const Json& pair : *value) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number_integer())
      return fields.reject("logit_bias", "has to be a list of pairs [token id, bias]");
    add(pair[0].get<int64_t>(), pair[1]);
  }
}

void read_seed(Fields& fields, engine::SamplingParams& sampling) {
  int64_t seed = -1;
  fields.integer("seed", seed, -1, std::numeric_limits<int64_t>::max());
  if (seed >= 0) sampling.seed = static_cast<uint64_t>(seed);
}

}  // namespace

void read_sampling(Fields& fields, engine::Request& request) {
  engine::SamplingParams& p = request.sampling;
  fields.number("temperature", p.temperature);
  fields.integer("top_k", p.top_k, -1, kMaxInt);
  fields.number("top_p", p.top_p);
  fields.number("min_p", p.min_p);
  fields.number("typical_p", p.typical_p);
  fields.number("repeat_penalty", p.repeat_penalty);
  fields.integer("repeat_last_n", p.repeat_last_n, -1, kMaxInt);
  fields.number("presence_penalty", p.presence_penalty);
  fields.number("frequency_penalty", p.frequency_penalty);
  fields.number("dry_multiplier", p.dry_multiplier);
  fields.number("dry_base", p.dry_base);
  fields.integer("dry_allowed_length", p.dry_allowed_length, 0, kMaxInt);
  fields.integer("dry_penalty_last_n", p.dry_penalty_last_n, -1, kMaxInt);
  fields.strings("dry_sequence_breakers", p.dry_sequence_breakers, kMaxStops);
  read_logit_bias(fields, p);
  read_seed(fields, p);
  fields.strings("stop", request.stop, kMaxStops);
  fields.boolean("ignore_eos", request.ignore_eos);
  fields.boolean("cache_prompt", request.cache_prompt);
  fields.only("mirostat", 0);
  fields.only("dynatemp_range", 0);
  fields.only("xtc_probability", 0);
  fields.only("top_n_sigma", -1);
  fields.only("min_keep", 0);
  fields.only("lora", Json::array());
  // Without effect while what they belong to is off.
  fields.accept({"mirostat_tau", "mirostat_eta", "dynatemp_exponent", "xtc_threshold"});
  if (const Result<void> valid = engine::validate(p, std::numeric_limits<int32_t>::max()); !valid)
    fields.keep({ErrorKind::invalid_request, valid.error().message, Json::object()});
}

void set_grammar(Fields& fields, std::string_view field,
                 Result<std::shared_ptr<const grammar::Grammar>> grammar, engine::Request& request) {
  if (!grammar) return fields.reject(field, "can't be followed: {}", grammar.error().message);
  if (request.grammar) return fields.reject(field, "comes with another grammar: one is possible");
  request.grammar = std::move(*grammar);
}

void read_grammar(Fields& fields, engine::Request& request) {
  std::string gbnf;
  fields.string("grammar", gbnf);
  if (!gbnf.empty()) set_grammar(fields, "grammar", grammar::Grammar::parse(gbnf), request);
  if (const Json* schema = fields.find("json_schema"); schema && !(schema->is_object() && schema->empty()))
    set_grammar(fields, "json_schema", grammar::Grammar::from_json_schema(*schema), request);
}

void read_logprobs(Fields& fields, engine::Request& request) {
  constexpr int32_t most = 20;
  bool logprobs = false;
  int32_t top = 0;
  fields.boolean("logprobs", logprobs);
  fields.integer("top_logprobs", top, 0, most);
  if (top > 0 && !logprobs) return fields.reject("top_logprobs", "needs \"logprobs\": true");
  if (logprobs) request.n_probs = top;
}

bool read_stream_options(Fields& fields, bool stream) {
  bool include_usage = false;
  const Json* value = fields.find("stream_options");
  if (!value) return false;
  if (!stream) {
    fields.reject("stream_options", "is only possible with \"stream\": true");
    return false;
  }
  Fields options(*value, "stream_options.");
  options.boolean("include_usage", include_usage);
  options.accept({"include_obfuscation"});
  if (const Outcome<void> read = options.finish(); !read) fields.keep(read.error());
  return include_usage;
}

}  // namespace halcyon::serve

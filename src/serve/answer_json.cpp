#include "serve/answer_json.h"

#include <chrono>
#include <cmath>
#include <limits>
#include <random>

#include "tokenizer/utf8.h"

namespace halcyon::serve {

std::string random_id(std::string_view prefix) {
  thread_local std::mt19937_64 random{std::random_device{}()};
  return fmt::format("{}{:016x}{:08x}", prefix, random(), random() >> 32);
}

int64_t unix_time() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

namespace {

Json joules_json(const energy::Joules& joules, int32_t tokens) {
  const auto per_token = [&](double j) { return tokens > 0 ? Json(j / tokens) : Json(nullptr); };
  return {{"joules", joules.gross},
          {"joules_above_idle", joules.above_idle ? Json(*joules.above_idle) : Json(nullptr)},
          {"j_per_token", per_token(joules.gross)},
          {"j_per_token_above_idle", joules.above_idle ? per_token(*joules.above_idle) : Json(nullptr)}};
}

}  // namespace

Json timings_json(const engine::Timings& t) {
  const auto ratio = [](double a, double b) { return b > 0 ? a / b : 0.0; };
  Json json = {{"cache_n", t.cache_n},
               {"prompt_n", t.prompt_n},
               {"prompt_ms", t.prompt_ms},
               {"prompt_per_token_ms", ratio(t.prompt_ms, t.prompt_n)},
               {"prompt_per_second", ratio(1e3 * t.prompt_n, t.prompt_ms)},
               {"predicted_n", t.predicted_n},
               {"predicted_ms", t.predicted_ms},
               {"predicted_per_token_ms", ratio(t.predicted_ms, t.predicted_n)},
               {"predicted_per_second", ratio(1e3 * t.predicted_n, t.predicted_ms)},
               {"prompt_cpu_ms", t.prompt_cpu_ms},
               {"predicted_cpu_ms", t.predicted_cpu_ms}};
  if (t.energy)  // the first token came with the prompt
    json["energy"] = {{"source", t.energy->source},
                      {"measured", t.energy->measured},
                      {"prefill", joules_json(t.energy->price.prefill, t.prompt_n)},
                      {"decode", joules_json(t.energy->price.decode, t.predicted_n - 1)}};
  return json;
}

void Usage::add(const engine::Timings& timings, bool with_prompt) {
  completion += timings.predicted_n;
  if (!with_prompt) return;
  prompt += timings.prompt_n + timings.cache_n;
  cached += timings.cache_n;
}

Json usage_json(const Usage& usage) {
  return {{"prompt_tokens", usage.prompt},
          {"completion_tokens", usage.completion},
          {"total_tokens", usage.prompt + usage.completion},
          {"prompt_tokens_details", {{"cached_tokens", usage.cached}}}};
}

double finite(float logprob) {
  return std::isfinite(logprob) ? static_cast<double>(logprob) : std::numeric_limits<float>::lowest();
}

Json bytes_json(std::string_view piece) {
  Json bytes = Json::array();
  for (const char c : piece) bytes.push_back(static_cast<unsigned char>(c));
  return bytes;
}

bool is_utf8(std::string_view piece) {
  for (size_t at = 0; at < piece.size();) {
    const tokenizer::utf8::Wellformed next = tokenizer::utf8::examine(piece, at);
    if (next.kind != tokenizer::utf8::Wellformed::character) return false;
    at += next.length;
  }
  return true;
}

Json logprob_json(const tokenizer::Tokenizer& tokenizer, engine::Token token,
                  const engine::Logprobs& logprobs, bool id) {
  const auto entry = [&](engine::Token t, float logprob) {
    const std::string piece = tokenizer.piece(t, true);
    Json json = Json::object();
    if (id) json["id"] = t;
    json["token"] = piece;
    json["logprob"] = finite(logprob);
    json["bytes"] = bytes_json(piece);
    return json;
  };
  Json json = entry(token, logprobs.chosen);
  json["top_logprobs"] = Json::array();
  for (const auto& [other, logprob] : logprobs.top) json["top_logprobs"].push_back(entry(other, logprob));
  return json;
}

}  // namespace halcyon::serve

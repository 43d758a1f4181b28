// Parts of answers that several dialects share.
#pragma once

#include <string>
#include <string_view>

#include "engine/generation.h"
#include "serve/json.h"
#include "tokenizer/tokenizer.h"

namespace halcyon::serve {

/// "chatcmpl-" and so on, followed by 24 random hexadecimal digits.
std::string random_id(std::string_view prefix);

/// Seconds since 1970.
int64_t unix_time();

/// llama-server's `timings`. Rates of nothing are 0, so that they are numbers always. `energy` has the
/// request's price, if the engine knows it: joules of prefill and of decode, in all and above those of the
/// idle machine (null: not known).
Json timings_json(const engine::Timings& timings);

/// OpenAI's `usage`, of one prompt and all its answers.
struct Usage {
  int64_t prompt = 0, cached = 0, completion = 0;
  void add(const engine::Timings& timings, bool with_prompt);
};
Json usage_json(const Usage& usage);

/// OpenAI's logprobs of one token: {token, logprob, bytes, top_logprobs}. `id` adds llama-server's "id".
Json logprob_json(const tokenizer::Tokenizer& tokenizer, engine::Token token,
                  const engine::Logprobs& logprobs, bool id);

/// A list of probabilities as JSON can have them: -inf becomes the lowest float.
double finite(float logprob);

/// The bytes of a token as a list of numbers.
Json bytes_json(std::string_view piece);

/// Whether they are whole UTF-8 characters. Those of a token need not be.
bool is_utf8(std::string_view piece);

}  // namespace halcyon::serve

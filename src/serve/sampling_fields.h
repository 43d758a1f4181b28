// The members of requests that say how to generate. All dialects share these names.
#pragma once

#include "engine/request.h"
#include "serve/fields.h"

namespace halcyon::serve {

/// Reads the sampling parameters into `request.sampling`, and what else of the answer they are named with:
/// stop, ignore_eos, cache_prompt. Samplers of llama-server that are not here are refused unless switched
/// off.
void read_sampling(Fields& fields, engine::Request& request);

/// "grammar" (GBNF), "json_schema". Only one of them, and no other `grammar` that is there already.
void read_grammar(Fields& fields, engine::Request& request);

inline constexpr int32_t kMaxChoices = 16;  ///< answers to one prompt

/// "logprobs" and "top_logprobs", as chats have them.
void read_logprobs(Fields& fields, engine::Request& request);

/// OpenAI's "stream_options": whether the usage is wanted at the end of the stream. Only with one.
bool read_stream_options(Fields& fields, bool stream);

/// Sets the grammar of the request, or rejects the field that asked for it if it can't be had.
void set_grammar(Fields& fields, std::string_view field,
                 Result<std::shared_ptr<const grammar::Grammar>> grammar, engine::Request& request);

}  // namespace halcyon::serve

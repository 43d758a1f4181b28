// POST /v1/completions
#pragma once

#include "serve/generation_exchange.h"

namespace halcyon::serve {

/// Without "max_tokens" an answer ends after 16 tokens, as OpenAI documents it; -1 is llama-server's "no
/// limit". The choices of a prompt follow each other: number prompt * n + choice. "logprobs" come in this
/// endpoint's own form, in which "text_offset" counts the characters of the answer in front of a token.
Outcome<std::unique_ptr<Exchange>> openai_completions(const Services& services, const Json& body,
                                                      std::string client, Wake wake);

}  // namespace halcyon::serve

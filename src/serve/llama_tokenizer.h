// POST /tokenize, /detokenize and /apply-template, llama-server's own: what a model's tokenizer and chat
// template say. The model is loaded for that if it is not there.
#pragma once

#include "serve/generation_exchange.h"

namespace halcyon::serve {

/// A piece, if they are wanted, is a string, or the list of its bytes where they are not UTF-8.
Outcome<std::unique_ptr<Exchange>> llama_tokenize(const Services& services, const Json& body,
                                                  std::string client, Wake wake);

/// The pieces of the tokens one after the other, control tokens written out: parts of a text that are
/// detokenized one by one add up to it.
Outcome<std::unique_ptr<Exchange>> llama_detokenize(const Services& services, const Json& body,
                                                    std::string client, Wake wake);

/// The text that the same messages are made into for a chat completion.
Outcome<std::unique_ptr<Exchange>> llama_apply_template(const Services& services, const Json& body,
                                                        std::string client, Wake wake);

}  // namespace halcyon::serve

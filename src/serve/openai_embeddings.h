// POST /v1/embeddings
#pragma once

#include "serve/generation_exchange.h"

namespace halcyon::serve {

/// The embedding of a text is the model's last hidden state behind it, made a vector of length 1.
Outcome<std::unique_ptr<Exchange>> openai_embeddings(const Services& services, const Json& body,
                                                     std::string client, Wake wake);

}  // namespace halcyon::serve

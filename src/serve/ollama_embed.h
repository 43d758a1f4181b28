// POST /api/embed, and /api/embeddings, which it took the place of
#pragma once

#include "serve/generation_exchange.h"

namespace halcyon::serve {

Outcome<std::unique_ptr<Exchange>> ollama_embed(const Services& services, const Json& body,
                                                std::string client, Wake wake);

Outcome<std::unique_ptr<Exchange>> ollama_embeddings(const Services& services, const Json& body,
                                                     std::string client, Wake wake);

}  // namespace halcyon::serve

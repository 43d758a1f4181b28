// POST /api/generate
#pragma once

#include "serve/generation_exchange.h"

namespace halcyon::serve {

Outcome<std::unique_ptr<Exchange>> ollama_generate(const Services& services, const Json& body,
                                                   std::string client, Wake wake);

}  // namespace halcyon::serve

// POST /api/chat
#pragma once

#include "serve/generation_exchange.h"

namespace halcyon::serve {

Outcome<std::unique_ptr<Exchange>> ollama_chat(const Services& services, const Json& body, std::string client,
                                               Wake wake);

}  // namespace halcyon::serve

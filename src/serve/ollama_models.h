// What Ollama's clients ask about the server and its models.
#pragma once

#include "serve/generation_exchange.h"

namespace halcyon::serve {

/// GET /api/version
Outcome<std::unique_ptr<Exchange>> ollama_version(const Services& services);

/// GET /api/tags: the models that are served.
Outcome<std::unique_ptr<Exchange>> ollama_tags(const Services& services);

/// GET /api/ps: those of them that are in memory.
Outcome<std::unique_ptr<Exchange>> ollama_ps(const Services& services);

/// POST /api/show: what is known of one.
Outcome<std::unique_ptr<Exchange>> ollama_show(const Services& services, const Json& body);

}  // namespace halcyon::serve

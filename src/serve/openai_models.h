// GET /v1/models and /v1/models/NAME. No model is loaded for them.
#pragma once

#include <string_view>

#include "serve/generation_exchange.h"

namespace halcyon::serve {

Outcome<std::unique_ptr<Exchange>> openai_models(const Services& services);

/// `name` as it stands in the path: with %2F for '/', say.
Outcome<std::unique_ptr<Exchange>> openai_model(const Services& services, std::string_view name);

}  // namespace halcyon::serve

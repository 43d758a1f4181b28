// GET /props and /slots, llama-server's own: what the server is and what it is doing. Neither loads a model,
// nor keeps it, nor wakes it.
#pragma once

#include <string_view>

#include "serve/generation_exchange.h"

namespace halcyon::serve {

/// `query` is what stands behind the '?'; "model=NAME" in it chooses among several models. Each works on
/// `n_slots` requests at once. "n_ctx" is 0 while the model is not loaded.
Outcome<std::unique_ptr<Exchange>> llama_props(const Services& services, std::string_view query,
                                               int32_t n_slots);

/// As of the last step of the model. What a slot is going to do is not known, so that "next_token" has only
/// what it did.
Outcome<std::unique_ptr<Exchange>> llama_slots(const Services& services, std::string_view query,
                                               int32_t n_slots);

}  // namespace halcyon::serve

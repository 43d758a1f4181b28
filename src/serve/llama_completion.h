// POST /completion, llama-server's own.
#pragma once

#include "serve/generation_exchange.h"

namespace halcyon::serve {

/// Several prompts are answered by a list, or, streamed, by events that say their "index". "id_slot" is -1 in
/// answers as in requests: whatever slot works on a prompt knows all prompts that are kept.
Outcome<std::unique_ptr<Exchange>> llama_completion(const Services& services, const Json& body,
                                                    std::string client, Wake wake);

}  // namespace halcyon::serve

// The three dialects, for detect().
#pragma once

#include <memory>

#include "measure/dialect.h"
#include "measure/json.h"

namespace halcyon::measure {

/// `props`: its answer to GET /props.
std::unique_ptr<Dialect> make_llama_server(HttpClient& client, const Json& props);

/// `version`: its answer to GET /api/version.
std::unique_ptr<Dialect> make_ollama(HttpClient& client, const Json& version);

/// `models`: its answer to GET /v1/models.
std::unique_ptr<Dialect> make_openai(HttpClient& client, const Json& models);

}  // namespace halcyon::measure

// The ways in which the same thing is said to different clients.
#pragma once

#include <string>

#include "serve/api_error.h"
#include "serve/http.h"

namespace halcyon::serve {

enum class Dialect {
  openai,  ///< and llama-server, which took over OpenAI's errors
  ollama,
};

/// The body that tells of an error.
std::string error_body(Dialect dialect, const ApiError& error);

/// The same where an answer has begun to be streamed.
std::string stream_error(Dialect dialect, const ApiError& error);

/// A whole answer.
std::unique_ptr<Exchange> json_reply(const Json& body);
std::unique_ptr<Exchange> error_reply(Dialect dialect, const ApiError& error);
HttpHead error_head(const ApiError& error);

/// Each as one piece of a stream: server-sent events, and lines of JSON.
std::string sse(const Json& json);
std::string ndjson(const Json& json);

inline constexpr std::string_view kSseDone = "data: [DONE]\n\n";

}  // namespace halcyon::serve

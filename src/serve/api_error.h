// What is wrong with a request, before a dialect puts it into its own words.
#pragma once

#include <string>
#include <utility>

#include "serve/json.h"

namespace halcyon::serve {

enum class ErrorKind {
  invalid_request,   ///< 400
  context_exceeded,  ///< 400
  unauthorized,      ///< 401
  forbidden,         ///< 403
  not_found,         ///< 404
  wrong_method,      ///< 405
  server,            ///< 500
  not_supported,     ///< 501
  unavailable,       ///< 503: later it may be possible
};

struct ApiError {
  ErrorKind kind = ErrorKind::invalid_request;
  std::string message;
  Json more = Json::object();  ///< members of the error besides code, type and message

  int status() const;
  std::string_view type() const;  ///< as llama-server has it: "invalid_request_error"
};

template <class T>
using Outcome = std::expected<T, ApiError>;

template <class... Args>
[[nodiscard]] std::unexpected<ApiError> refuse(ErrorKind kind, fmt::format_string<Args...> format,
                                               Args&&... args) {
  return std::unexpected(ApiError{kind, fmt::format(format, std::forward<Args>(args)...), Json::object()});
}

/// A Result whose error is that of the request.
template <class T>
Outcome<T> of_request(Result<T> result, ErrorKind kind = ErrorKind::invalid_request) {
  if (!result) return std::unexpected(ApiError{kind, std::move(result.error().message), Json::object()});
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    return std::move(*result);
  }
}

}  // namespace halcyon::serve

namespace halcyon {
/// For TRY and CHECK_OK.
template <class T>
[[nodiscard]] std::unexpected<serve::ApiError> forward_error(serve::Outcome<T>& outcome) {
  return std::unexpected(std::move(outcome.error()));
}
}  // namespace halcyon

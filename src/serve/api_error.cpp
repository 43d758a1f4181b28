#include "serve/api_error.h"

namespace halcyon::serve {

int ApiError::status() const {
  switch (kind) {
    case ErrorKind::invalid_request:
    case ErrorKind::context_exceeded:
      return 400;
    case ErrorKind::unauthorized:
      return 401;
    case ErrorKind::forbidden:
      return 403;
    case ErrorKind::not_found:
      return 404;
    case ErrorKind::wrong_method:
      return 405;
    case ErrorKind::server:
      return 500;
    case ErrorKind::not_supported:
      return 501;
    case ErrorKind::unavailable:
      return 503;
  }
  return 500;
}

std::string_view ApiError::type() const {
  switch (kind) {
    case ErrorKind::invalid_request:
    case ErrorKind::wrong_method:
      return "invalid_request_error";
    case ErrorKind::context_exceeded:
      return "exceed_context_size_error";
    case ErrorKind::unauthorized:
      return "authentication_error";
    case ErrorKind::forbidden:
      return "permission_error";
    case ErrorKind::not_found:
      return "not_found_error";
    case ErrorKind::server:
      return "server_error";
    case ErrorKind::not_supported:
      return "not_supported_error";
    case ErrorKind::unavailable:
      return "unavailable_error";
  }
  return "server_error";
}

}  // namespace halcyon::serve

#include "serve/dialect.h"

namespace halcyon::serve {
namespace {

Json error_json(Dialect dialect, const ApiError& error) {
  if (dialect == Dialect::ollama) return {{"error", error.message}};
  Json inner = {{"code", error.status()}, {"message", error.message}, {"type", error.type()}};
  inner.update(error.more);
  return {{"error", std::move(inner)}};
}

}  // namespace

std::string error_body(Dialect dialect, const ApiError& error) { return to_text(error_json(dialect, error)); }

std::string stream_error(Dialect dialect, const ApiError& error) {
  return dialect == Dialect::ollama ? ndjson(error_json(dialect, error)) : sse(error_json(dialect, error));
}

std::unique_ptr<Exchange> json_reply(const Json& body) { return reply({}, to_text(body)); }

std::unique_ptr<Exchange> error_reply(Dialect dialect, const ApiError& error) {
  return reply(error_head(error), error_body(dialect, error));
}

HttpHead error_head(const ApiError& error) {
  HttpHead head{.status = error.status(), .headers = {}};
  if (error.kind == ErrorKind::unavailable) head.headers.emplace_back("Retry-After", "1");
  if (error.kind == ErrorKind::unauthorized) head.headers.emplace_back("WWW-Authenticate", "Bearer");
  return head;
}

std::string sse(const Json& json) { return "data: " + to_text(json) + "\n\n"; }

std::string ndjson(const Json& json) { return to_text(json) + "\n"; }

}  // namespace halcyon::serve

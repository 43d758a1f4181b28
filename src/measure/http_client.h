// A small HTTP/1.1 client that trusts no server: every wait has an end, every size a limit.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "measure/url.h"

namespace halcyon::measure {

using Clock = std::chrono::steady_clock;

/// How long a server may take.
struct HttpPatience {
  std::chrono::milliseconds connect = std::chrono::seconds(10);  ///< name, TCP and TLS, each
  std::chrono::milliseconds head = std::chrono::minutes(5);      ///< from the request to the end of the head
  std::chrono::milliseconds between = std::chrono::minutes(5);   ///< from one byte of the body to the next
  std::chrono::milliseconds whole = std::chrono::minutes(60);    ///< for the whole answer
  std::chrono::milliseconds get =
      std::chrono::seconds(10);  ///< for each of these, of a GET: it asks for no work
};

struct HttpOptions {
  std::string api_key;  ///< sent as a bearer token; empty: none
  HttpPatience patience;
  uint32_t max_head = 64 << 10;  ///< bytes
  uint64_t max_body = 64 << 20;  ///< bytes
};

struct HttpAnswer {
  int status = 0;
  std::string content_type;
  std::string body;        ///< of a stream: only that of another status than 200
  Clock::time_point sent;  ///< just before the request was written, on a connection that stood
};

/// A piece of a body, and when it arrived. An error ends the exchange with it.
using OnBytes = std::function<Result<void>(std::string_view bytes, Clock::time_point at)>;

/// Each request has a connection of its own, and none is left open: between requests the server has nothing
/// to do for us. Errors begin with the method and the address; a request that was stopped fails at once.
class HttpClient {
 public:
  HttpClient(Url url, HttpOptions options, std::stop_token stop);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  const Url& url() const;
  const std::stop_token& stop() const;

  /// The answer, whatever its status is.
  Result<HttpAnswer> get(std::string_view path);
  Result<HttpAnswer> post(std::string_view path, std::string_view json);

  /// Hands over the body of an answer with status 200 as it comes.
  Result<HttpAnswer> stream(std::string_view path, std::string_view json, const OnBytes& on_bytes);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace halcyon::measure

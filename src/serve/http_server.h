// An HTTP/1.1 server for one HttpApp: TCP or a Unix socket, with or without TLS.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "serve/http.h"

namespace halcyon::serve {

/// What a client may cost.
struct HttpLimits {
  size_t max_header = 16 << 10;      ///< bytes of a request line with its headers
  uint64_t max_body = 32 << 20;      ///< bytes of a request's body
  uint64_t max_bodies = 256 << 20;   ///< bytes of all bodies that are being read
  int32_t max_connections = 1024;    ///< further ones wait in the kernel's queue
  uint64_t min_body_rate = 4 << 10;  ///< bytes per second that a body must come with, on average
  std::chrono::milliseconds header_timeout =
      std::chrono::seconds(30);                                       ///< from the first byte, or from accept
  std::chrono::milliseconds body_timeout = std::chrono::seconds(30);  ///< without a byte of the body
  std::chrono::milliseconds idle_timeout = std::chrono::minutes(10);  ///< between requests
  std::chrono::milliseconds write_timeout =
      std::chrono::seconds(60);  ///< without taking a byte of the answer
  std::chrono::milliseconds linger_timeout = std::chrono::seconds(2);  ///< for a client to read a last answer
};

/// PEM files: the certificate with its chain, and its private key.
struct TlsFiles {
  std::string cert, key;
};

struct HttpOptions {
  std::string host = "127.0.0.1";  ///< an address or a name; all addresses of a name are listened on
  uint16_t port = 0;               ///< 0: any that is free
  int listen_fd = -1;  ///< instead of both: a listening TCP or Unix socket, which the server then owns
  std::optional<TlsFiles> tls;
  int32_t threads = 2;
  HttpLimits limits;
};

struct HttpStats {
  int64_t connections = 0;  ///< open now
  uint64_t requests = 0;    ///< whose head has come, so far
};

/// Serves from its start to its destruction. All functions may be called from any thread but the server's own
/// (in which it calls the app).
class HttpServer {
 public:
  /// `app` must outlive the server. Errors say which address, file or limit was refused.
  static Result<std::unique_ptr<HttpServer>> start(HttpApp& app, HttpOptions options);

  /// Closes every connection, whatever it is doing; their exchanges are destroyed when this returns.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  uint16_t port() const;        ///< 0 for a Unix socket
  std::string address() const;  ///< "127.0.0.1:8080", "[::1]:8080", "unix:/run/halcyon.sock"

  /// No new connections from here on, and idle ones are closed. Requests that have begun are answered, with
  /// "Connection: close".
  void stop_listening();

  /// Waits until no exchange is running and no answer is being written; false if that took longer.
  bool wait_until_idle(std::chrono::milliseconds longest);

  HttpStats stats() const;

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace halcyon::serve

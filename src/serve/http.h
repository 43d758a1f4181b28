// What the HTTP server and the API behind it say to each other. Nothing here knows a socket or a model.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace halcyon::serve {

struct HttpRequest {
  std::string method;  ///< "GET", as sent
  std::string path;    ///< "/v1/models": the target up to its '?', as sent
  std::string query;   ///< behind the '?'
  std::vector<std::pair<std::string, std::string>> headers;  ///< in their order, names as sent
  std::string body;
  std::string peer;  ///< address of the client without its port: "127.0.0.1", "unix"

  /// The value of the first header of that name (case does not count); empty if there is none.
  std::string_view header(std::string_view name) const;
};

struct HttpHead {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;  ///< besides Content-Type, lengths and Connection
};

/// An answer in the making. The connection calls poll() at once and again after each wake-up, until it is
/// done; then, or when the client has gone, it destroys the exchange. All calls come from one thread at a
/// time.
class Exchange {
 public:
  struct Output {
    std::string body;   ///< what can be sent by now
    bool done = false;  ///< nothing comes after it
  };

  virtual ~Exchange() = default;

  /// What has come since the last call; nothing if the answer is still waited for. head() holds once this
  /// returned some of the body or was done. If the first such Output is done the answer is sent with its
  /// length, else chunk by chunk.
  virtual Output poll() = 0;

  virtual const HttpHead& head() const = 0;
};

/// Tells the connection that poll() has something new. From any thread, at any time, as often as one likes;
/// without effect once the exchange is destroyed.
using Wake = std::function<void()>;

/// What is behind the HTTP server.
class HttpApp {
 public:
  virtual ~HttpApp() = default;

  /// Asked when the head of a request is there and its body is not: an answer if it need not be read (no such
  /// path, no valid key), nullptr to go on. `request.body` is empty.
  virtual std::unique_ptr<Exchange> refuse(const HttpRequest& request) = 0;

  /// The answer to a whole request. Called from several threads at once; it must not wait for long.
  virtual std::unique_ptr<Exchange> handle(HttpRequest request, Wake wake) = 0;

  /// The answer to a request that the server itself refuses: 400 broken HTTP, 408 too slow, 413 too large a
  /// body, 431 too large a head, 503 too many bodies at once, 505 not HTTP/1. `path` is empty if it is not
  /// known.
  virtual std::unique_ptr<Exchange> fail(int status, std::string_view path, std::string message) = 0;
};

/// A whole answer that is there already.
std::unique_ptr<Exchange> reply(HttpHead head, std::string body);

}  // namespace halcyon::serve

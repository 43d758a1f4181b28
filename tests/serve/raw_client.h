// An HTTP client that says exactly what a test wants said, right or wrong.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace halcyon::serve::test {

struct RawResponse {
  int status = 0;      ///< 0: none came
  std::string head;    ///< with its empty line
  std::string body;    ///< as sent by the app: chunks are put together
  bool ended = false;  ///< the body came to its end

  bool has(std::string_view header) const { return head.find(header) != head.npos; }
};

/// One connection. Reading gives up after 30 seconds, which fails the test by what is missing then.
class RawClient {
 public:
  explicit RawClient(uint16_t port);
  explicit RawClient(const std::string& unix_path);
  RawClient(RawClient&& other) noexcept;
  ~RawClient();

  int fd() const { return fd_; }

  /// False once the server has closed.
  bool send(std::string_view bytes);
  /// Bytes that the peer's window takes without waiting.
  size_t send_what_fits(std::string_view bytes);

  /// What has come up to and including `end`; less if the stream ends before.
  std::string read_until(std::string_view end);
  std::string read_to_end();

  /// An answer to anything but HEAD, by its Content-Length, its chunks, or the end of the stream.
  RawResponse response();
  /// Sends, and waits for the answer.
  RawResponse ask(std::string_view request);

  /// Waits until the server has closed; false if it sends more.
  bool is_closed();

  void finish_sending();
  void disconnect();
  void disconnect_hard();  ///< with a reset

 private:
  bool fill();
  std::string take(size_t bytes);

  int fd_;
  std::string in_;
};

/// "GET path HTTP/1.1" with a Host.
std::string get(std::string_view path, std::string_view headers = "");
/// "POST path HTTP/1.1" with a Host, a Content-Length and that body.
std::string post(std::string_view path, std::string_view body, std::string_view headers = "");

}  // namespace halcyon::serve::test

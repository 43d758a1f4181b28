// What a proxy has to know of the heads of requests and answers, whose bytes it passes on as they came.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "guard/body_scanner.h"
#include "serve/http.h"
#include "serve/http_request_parser.h"

namespace halcyon::guard {

inline constexpr size_t kMaxHead = 64 << 10;  ///< bytes

/// A request's head: serve::RequestParser refuses what two programs could understand differently.
struct RequestHead {
  serve::HttpRequest request;  ///< without its body
  std::string bytes;           ///< with the empty line that ends it
  BodyScanner body = BodyScanner::none();
  bool keep_alive = false, expects_continue = false;

  /// The length of its body, if it says so.
  uint64_t content_length() const;
};

/// Reads a head from bytes that arrive piece by piece.
class RequestReader {
 public:
  explicit RequestReader(std::string peer);

  /// Takes from the front of `bytes` what belongs to the head.
  size_t take(std::string_view bytes);

  bool started() const { return !bytes_.empty(); }
  bool done() const { return parser_.has_head(); }
  bool failed() const { return parser_.state() == serve::RequestParser::State::failed; }
  int status() const { return parser_.status(); }
  const std::string& message() const { return parser_.message(); }

  RequestHead head();  ///< once done

 private:
  static const serve::HttpLimits& limits();

  serve::RequestParser parser_;
  std::string bytes_;
  size_t parsed_ = 0;  ///< of them
};

struct AnswerHead {
  int status = 0;
  BodyScanner body = BodyScanner::none();
  bool keep_alive = false;
  bool is_tunnel = false;  ///< what follows is another protocol, in both directions
  std::string content_type;
  bool encoded = false;  ///< compressed

  bool is_interim() const { return status < 200 && !is_tunnel; }  ///< another head follows
};

/// The head of an answer to a request with this method, which is at the front of `bytes`; 0 bytes: not all of
/// it is there. Fails if it is no HTTP.
struct ReadAnswer {
  size_t bytes = 0;
  AnswerHead head;
};
Result<ReadAnswer> read_answer_head(std::string_view bytes, std::string_view method);

}  // namespace halcyon::guard

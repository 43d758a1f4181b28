// From the bytes of a connection to a request that is safe to answer.
#pragma once

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <string_view>

#include "serve/http.h"
#include "serve/http_server.h"

namespace halcyon::serve {

/// One request (RFC 9112). Refuses what two programs could understand differently: more than one length, a
/// length besides an encoding, encodings other than "chunked", no or several Host headers.
class RequestParser {
 public:
  enum class State { head, body, done, failed };

  RequestParser(const HttpLimits& limits, std::string peer);

  /// Takes from the front of `bytes` what it understands and returns how much that was; what is left must be
  /// there again, with more behind it, in the next call. Stops behind the head.
  size_t parse(std::string_view bytes);

  State state() const { return state_; }
  bool has_head() const { return state_ == State::body || state_ == State::done; }

  // Once failed:
  int status() const { return status_; }  ///< 400, 413, 431 or 505
  const std::string& message() const { return message_; }

  // From State::body on:
  const HttpRequest& request() const { return request_; }  ///< without its body
  bool keep_alive() const { return keep_alive_; }
  bool expects_continue() const { return expects_continue_; }
  bool http_1_0() const { return parser_.get().version() == 10; }
  size_t body_size() const { return parser_.get().body().size(); }  ///< so far

  /// The request, once done.
  HttpRequest take();

 private:
  void fail(int status, std::string message);
  void fail(boost::beast::error_code error);
  void finish_head();
  void read_target(std::string_view target);

  size_t max_header_;
  size_t head_size_ = 0;  ///< taken so far
  uint64_t max_body_;
  boost::beast::http::request_parser<boost::beast::http::string_body> parser_;
  State state_ = State::head;
  HttpRequest request_;
  bool keep_alive_ = false;
  bool expects_continue_ = false;
  int status_ = 0;
  std::string message_;
};

}  // namespace halcyon::serve

#include "serve/http_request_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <limits>

namespace halcyon::serve {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

bool is(std::string_view text, std::string_view other) {
  return beast::iequals({text.data(), text.size()}, {other.data(), other.size()});
}

bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

bool is_control(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; }

}  // namespace

RequestParser::RequestParser(const HttpLimits& limits, std::string peer)
    : max_header_(limits.max_header), max_body_(limits.max_body) {
  const size_t most = std::numeric_limits<uint32_t>::max();
  request_.peer = std::move(peer);
  parser_.header_limit(static_cast<uint32_t>(std::min(max_header_, most)));
  parser_.body_limit(max_body_);
}

size_t RequestParser::parse(std::string_view bytes) {
  const State before = state_;
  if (before == State::done || before == State::failed) return 0;
  size_t used = 0;
  if (before == State::head && !parser_.got_some()) {
    used = std::min(bytes.find_first_not_of("\r\n"),
                    bytes.size());  // empty lines before a request: RFC 9112 2.2
    // Anything else is not HTTP, but TLS or noise: no use waiting for the end of its head.
    if (used < bytes.size() && !is_letter(bytes[used])) fail(http::error::bad_method);
  }
  while (state_ == before && used < bytes.size()) {
    beast::error_code error;
    const size_t n = parser_.put(boost::asio::buffer(bytes.substr(used)), error);
    used += n;
    if (before == State::head) head_size_ += n;
    // Beast's own limit does not know what earlier calls took.
    const bool partial = error == http::error::need_more;
    if (before == State::head && head_size_ + (partial ? bytes.size() - used : 0) > max_header_)
      error = http::error::header_limit;
    else if (partial)
      break;
    if (error)
      fail(error);
    else if (before == State::head && parser_.is_header_done())
      finish_head();
    else if (parser_.is_done())
      state_ = State::done;
  }
  return used;
}

void RequestParser::fail(int status, std::string message) {
  state_ = State::failed;
  status_ = status;
  message_ = std::move(message);
}

void RequestParser::fail(beast::error_code error) {
  read_target(view(parser_.get().target()));
  if (error == http::error::header_limit)
    fail(431, fmt::format("the request's headers are longer than {} bytes", max_header_));
  else if (error == http::error::body_limit)
    fail(413, fmt::format("the request's body is longer than {} bytes", max_body_));
  else if (error == http::error::bad_version)
    fail(505, "only HTTP/1.0 and HTTP/1.1 are understood here");
  else
    fail(400, fmt::format("this is not a valid HTTP request: {}", error.message()));
}

void RequestParser::finish_head() {
  const auto& head = parser_.get();
  request_.method = view(head.method_string());
  read_target(view(head.target()));
  int hosts = 0, lengths = 0, encodings = 0;
  bool chunked = true;
  for (const auto& field : head) {
    const std::string_view name = view(field.name_string());
    const std::string_view value = view(field.value());
    if (std::ranges::any_of(value, is_control)) return fail(400, "a header has a control character");
    if (is(name, "Host")) ++hosts;
    if (is(name, "Content-Length")) ++lengths;
    if (is(name, "Transfer-Encoding")) {
      ++encodings;
      chunked = is(value, "chunked");
    }
    request_.headers.emplace_back(name, value);
  }
  if (hosts > 1 || (hosts == 0 && !http_1_0())) return fail(400, "a request needs one Host header");
  if (lengths + encodings > 1) return fail(400, "the request gives its length more than once");
  if (encodings == 1 && (!chunked || http_1_0()))
    return fail(400, "of all Transfer-Encodings only \"chunked\", with HTTP/1.1, is understood here");
  keep_alive_ = parser_.keep_alive();
  expects_continue_ = !http_1_0() && is(request_.header("Expect"), "100-continue");
  state_ = parser_.is_done() ? State::done : State::body;
}

void RequestParser::read_target(std::string_view target) {
  // A proxy's form, http://host/path, means the same (RFC 9112 3.2.2).
  if (const size_t scheme = target.find("://"); scheme != target.npos && is_letter(target.front())) {
    const size_t path = target.find_first_of("/?", scheme + 3);
    target = path == target.npos ? "/" : target.substr(path);
  }
  const size_t mark = target.find('?');
  request_.path = target.substr(0, mark);
  request_.query = mark == target.npos ? "" : target.substr(mark + 1);
  if (request_.path.empty() && !target.empty()) request_.path = "/";
}

HttpRequest RequestParser::take() {
  request_.body = std::move(parser_.get().body());
  return std::move(request_);
}

}  // namespace halcyon::serve

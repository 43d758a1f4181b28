#include "guard/heads.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <charconv>

namespace halcyon::guard {

namespace http = boost::beast::http;

uint64_t RequestHead::content_length() const {
  const std::string_view text = request.header("Content-Length");
  uint64_t length = 0;
  std::from_chars(text.data(), text.data() + text.size(), length);
  return length;
}

const serve::HttpLimits& RequestReader::limits() {
  static const serve::HttpLimits limits = [] {
    serve::HttpLimits all;
    all.max_header = kMaxHead;
    all.max_body = UINT64_MAX;
    return all;
  }();
  return limits;
}

RequestReader::RequestReader(std::string peer) : parser_(limits(), std::move(peer)) {}

size_t RequestReader::take(std::string_view bytes) {
  const size_t before = bytes_.size();
  bytes_ += bytes;
  while (!done() && !failed() && parsed_ < bytes_.size()) {
    const size_t n = parser_.parse(std::string_view(bytes_).substr(parsed_));
    parsed_ += n;
    if (n == 0) break;
  }
  if (!done()) return bytes.size();
  bytes_.resize(parsed_);
  return parsed_ - before;
}

RequestHead RequestReader::head() {
  RequestHead head;
  head.request = parser_.request();
  head.bytes = std::move(bytes_);
  head.keep_alive = parser_.keep_alive();
  head.expects_continue = parser_.expects_continue();
  if (!head.request.header("Transfer-Encoding").empty())
    head.body = BodyScanner::chunked();
  else
    head.body = BodyScanner::length(head.content_length());
  return head;
}

Result<ReadAnswer> read_answer_head(std::string_view bytes, std::string_view method) {
  // Beast's parser keeps what it has seen, and is fed all of the head at once: heads come whole but for a
  // few.
  const size_t end = bytes.find("\r\n\r\n");
  if (end == bytes.npos) {
    if (bytes.size() > kMaxHead) return fail("the head of its answer is longer than {} bytes", kMaxHead);
    if (!std::string_view("HTTP/1.").starts_with(bytes.substr(0, 7))) return fail("its answer is no HTTP");
    return ReadAnswer{};
  }
  http::response_parser<http::empty_body> parser;
  parser.header_limit(kMaxHead);
  parser.body_limit(boost::none);
  boost::beast::error_code error;
  const size_t size = parser.put(boost::asio::buffer(bytes.substr(0, end + 4)), error);
  if ((error && error != http::error::need_more) || !parser.is_header_done())
    return fail("its answer is no HTTP: {}", error.message());
  const auto& fields = parser.get();
  if (fields.result_int() < 100) return fail("its answer is no HTTP: status {}", fields.result_int());
  const auto value = [&](http::field field) {
    const auto text = fields[field];
    return std::string_view(text.data(), text.size());
  };
  ReadAnswer answer{.bytes = size, .head = {}};
  AnswerHead& head = answer.head;
  head.status = fields.result_int();
  head.content_type = value(http::field::content_type);
  head.encoded = !value(http::field::content_encoding).empty();
  head.is_tunnel = head.status == 101 || (method == "CONNECT" && head.status / 100 == 2);
  const bool bodiless = head.status < 200 || head.status == 204 || head.status == 304 || method == "HEAD";
  if (bodiless || head.is_tunnel)
    head.body = BodyScanner::none();
  else if (parser.chunked())
    head.body = BodyScanner::chunked();
  else if (const auto length = parser.content_length())
    head.body = BodyScanner::length(*length);
  else
    head.body = BodyScanner::until_close();
  head.keep_alive = fields.keep_alive() && !head.body.ends_with_connection();
  return answer;
}

}  // namespace halcyon::guard

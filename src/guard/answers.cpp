#include "guard/answers.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace halcyon::guard {
namespace {

namespace http = boost::beast::http;

constexpr size_t kMost = 64;            // answers
constexpr uint64_t kLongest = 1 << 20;  // bytes of a body

}  // namespace

bool Answers::keeps(const serve::HttpRequest& request) const {
  return request.method == "GET" && std::ranges::find(paths_, request.path) != paths_.end();
}

std::string Answers::key(const serve::HttpRequest& request) {
  std::string key = request.path + '?' + request.query;
  for (const char* name : {"Authorization", "X-Api-Key", "Cookie"}) {
    key += '\n';
    key += request.header(name);
  }
  return key;
}

void Answers::keep(const serve::HttpRequest& request, std::string_view answer, Clock::time_point now) {
  if (answer.empty()) return;
  http::response_parser<http::string_body> parser;
  parser.eager(true);
  parser.body_limit(kLongest);
  boost::beast::error_code error;
  while (!error && !answer.empty() && !parser.is_done())
    answer.remove_prefix(parser.put(boost::asio::buffer(answer), error));
  if (error && error != http::error::need_more) return;
  if (!parser.is_done()) parser.put_eof(error);
  if (error || !parser.is_done()) return;
  const auto& message = parser.get();
  const int status = message.result_int();
  if (status == 206 || status == 304) return;  // to who asked for a part, or has it already
  if ((status >= 500 && status != 501) || status == 408 || status == 429 ||
      message.count(http::field::content_encoding) > 0)
    return;
  const auto type = message[http::field::content_type];
  if (kept_.size() >= kMost) kept_.clear();
  kept_[key(request)] = {status, std::string(type.data(), type.size()), message.body(), now};
}

const Answers::Answer* Answers::find(const serve::HttpRequest& request) const {
  if (!keeps(request)) return nullptr;
  const auto found = kept_.find(key(request));
  return found == kept_.end() ? nullptr : &found->second;
}

}  // namespace halcyon::guard

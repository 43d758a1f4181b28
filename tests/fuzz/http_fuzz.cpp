// Any bytes as what a client sends, whole and in two parts: requests come out of them, or a refusal, and both
// ways are the same.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "serve/http_request_parser.h"

namespace halcyon::serve {
namespace {

constexpr HttpLimits kLimits{.max_header = 512, .max_body = 512};

void check(bool ok) {
  if (!ok) __builtin_trap();
}

/// What the connection would make of `bytes`, of which `first` come before the rest.
std::string requests_in(std::string_view bytes, size_t first) {
  std::string seen;
  std::string buffer(bytes.substr(0, first));
  bool more = first < bytes.size();
  while (true) {
    RequestParser parser(kLimits, "peer");
    while (parser.state() == RequestParser::State::head || parser.state() == RequestParser::State::body) {
      const auto before = parser.state();
      const size_t used = parser.parse(buffer);
      check(used <= buffer.size());
      buffer.erase(0, used);
      if (parser.state() != before) continue;
      if (!more) return seen;
      buffer += bytes.substr(first);
      more = false;
    }
    if (parser.state() == RequestParser::State::failed) {
      check(parser.status() >= 400 && !parser.message().empty());
      return seen;  // what is broken may be noticed sooner or later
    }
    const HttpRequest request = parser.take();
    check(!request.method.empty() && !request.path.empty() && request.body.size() <= kLimits.max_body);
    seen += request.method + " " + request.path + "?" + request.query + "\n";
    for (const auto& [name, value] : request.headers) {
      check(name.find_first_of(":\r\n ") == name.npos && value.find_first_of("\r\n") == value.npos);
      seen.append(name).append(":").append(value).append("\n");
    }
    seen += request.body + (parser.keep_alive() ? "\n" : "\nlast\n");
  }
}

}  // namespace
}  // namespace halcyon::serve

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using halcyon::serve::requests_in;
  if (size == 0) return 0;
  // The first byte says where the parts meet.
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const size_t first = std::min<size_t>(bytes.size(), data[0]);
  halcyon::serve::check(requests_in(bytes, bytes.size()) == requests_in(bytes, first));
  return 0;
}

#include "serve/http_response.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/beast/http/status.hpp>
#include <ctime>
#include <iterator>

namespace halcyon::serve {
namespace {

/// The Date of now; made once a second.
const std::string& date() {
  thread_local std::time_t made = -1;
  thread_local std::string text;
  if (const std::time_t now = std::time(nullptr); now != made) {
    made = now;
    text = fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(now));
  }
  return text;
}

/// `text` on one line: a line break in it would begin a header of its own, or the body.
void append_inert(std::string& out, std::string_view text) {
  std::ranges::replace_copy_if(
      text, std::back_inserter(out), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  append_inert(out, name);
  out += ": ";
  append_inert(out, value);
  out += "\r\n";
}

}  // namespace

void append_head(std::string& out, const HttpHead& head, Framing framing, uint64_t length, bool keep_alive) {
  const auto reason =
      boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(head.status));
  fmt::format_to(std::back_inserter(out),
                 "HTTP/1.1 {} {}\r\nServer: halcyon\r\nDate: {}\r\nConnection: {}\r\n", head.status,
                 std::string_view(reason.data(), reason.size()), date(), keep_alive ? "keep-alive" : "close");
  if (!is_bodiless(head.status)) {
    if (!head.content_type.empty()) append_header(out, "Content-Type", head.content_type);
    if (framing == Framing::length) fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", length);
    if (framing == Framing::chunked) out += "Transfer-Encoding: chunked\r\n";
  }
  for (const auto& [name, value] : head.headers) append_header(out, name, value);
  out += "\r\n";
}

void append_body(std::string& out, Framing framing, std::string_view piece, bool last) {
  if (framing != Framing::chunked) {
    out += piece;
    return;
  }
  // An empty chunk would be the end.
  if (!piece.empty()) fmt::format_to(std::back_inserter(out), "{:x}\r\n{}\r\n", piece.size(), piece);
  if (last) out += "0\r\n\r\n";
}

}  // namespace halcyon::serve

// Any bytes as what a client or a server sends through a proxy, whole and in pieces: both ways their heads
// and bodies end at the same place, and that is where the parser of another program sees the end.
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "guard/heads.h"

namespace halcyon::guard {
namespace {

constexpr size_t kMaxBody = 1 << 20;

void check(bool ok) {
  if (!ok) __builtin_trap();
}

/// How far a message was followed, and what came of it.
struct Followed {
  size_t head = 0, body = 0;  ///< bytes
  enum class End { none, failed, broken, done } end = End::none;
  bool operator==(const Followed&) const = default;
};

using Take = std::function<size_t(std::string_view)>;

/// Gives the bytes to `take` in pieces, each in memory of its own, until it leaves some.
size_t give(std::string_view bytes, const std::function<size_t()>& next_size, const Take& take) {
  size_t taken = 0;
  while (taken < bytes.size()) {
    const size_t size = std::min(bytes.size() - taken, next_size());
    const auto piece = std::make_unique<char[]>(size);
    bytes.copy(piece.get(), size, taken);
    const size_t n = take({piece.get(), size});
    check(n <= size);
    taken += n;
    if (n < size) break;
  }
  return taken;
}

size_t give_body(BodyScanner& body, std::string_view bytes, const std::function<size_t()>& next_size) {
  return give(bytes, next_size, [&](std::string_view piece) { return body.take(piece); });
}

Followed::End end_of(const BodyScanner& body) {
  check(!body.done() || !body.broken());
  return body.done() ? Followed::End::done : body.broken() ? Followed::End::broken : Followed::End::none;
}

Followed follow_request(std::string_view bytes, const std::function<size_t()>& next_size) {
  RequestReader reader("peer");
  Followed seen;
  seen.head = give(bytes, next_size, [&](std::string_view piece) {
    return reader.done() || reader.failed() ? 0 : reader.take(piece);
  });
  if (reader.failed()) {
    check(reader.status() >= 400 && !reader.message().empty());
    return {.end = Followed::End::failed};
  }
  if (!reader.done()) return {};
  RequestHead head = reader.head();
  check(head.bytes == bytes.substr(0, seen.head) && head.bytes.ends_with("\r\n\r\n"));
  check(!head.body.ends_with_connection());
  seen.body = give_body(head.body, bytes.substr(seen.head), next_size);
  seen.end = end_of(head.body);
  return seen;
}

Followed follow_answer(std::string_view bytes, std::string_view method,
                       const std::function<size_t()>& next_size) {
  Followed seen;
  std::string buffer;
  BodyScanner body = BodyScanner::none();
  bool failed = false, in_body = false;
  // As the relay does: what is there of the head is read again with each piece.
  give(bytes, next_size, [&](std::string_view piece) -> size_t {
    buffer += piece;
    while (!in_body && !failed) {
      const std::string_view left = std::string_view(buffer).substr(seen.head);
      const auto exact = std::make_unique<char[]>(left.size());
      left.copy(exact.get(), left.size());
      const auto read = read_answer_head({exact.get(), left.size()}, method);
      failed = !read;
      if (failed || read->bytes == 0) break;
      check(read->bytes <= left.size() && left.substr(0, read->bytes).ends_with("\r\n\r\n"));
      check(read->head.status >= 100 && read->head.status < 1000);
      seen.head += read->bytes;
      body = read->head.body;
      in_body = !read->head.is_interim();
    }
    return in_body || failed ? 0 : piece.size();
  });
  if (failed) return {.end = Followed::End::failed};
  if (!in_body) return seen;
  seen.body = give_body(body, bytes.substr(seen.head), next_size);
  seen.end = end_of(body);
  return seen;
}

/// What is broken may be noticed before its end is there, or then.
bool are_same(const Followed& a, const Followed& b) {
  if (a.end == Followed::End::failed) return b.end == a.end || b == Followed();
  return a == b || (b.end == Followed::End::failed && a == Followed());
}

/// Another one's view of a request.
Followed parse_request(std::string_view bytes) {
  serve::RequestParser parser({.max_header = kMaxHead, .max_body = kMaxBody}, "peer");
  Followed seen;
  using State = serve::RequestParser::State;
  for (size_t n = 1; n > 0 && parser.state() == State::head; seen.head += n)
    n = parser.parse(bytes.substr(seen.head));
  for (size_t n = 1; n > 0 && parser.state() == State::body; seen.body += n)
    n = parser.parse(bytes.substr(seen.head + seen.body));
  if (parser.state() == State::done) seen.end = Followed::End::done;
  return seen;
}

}  // namespace
}  // namespace halcyon::guard

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace halcyon::guard;
  if (size == 0) return 0;
  // The first byte says whose bytes they are, and how long the pieces.
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  uint32_t random = data[0];
  const auto some = [&random] {
    random = random * 1664525 + 1013904223;
    const uint32_t exponent = random >> 29;  // mostly short
    return 1 + ((random >> 8) & ((1u << exponent) - 1));
  };
  const auto all = [&bytes] { return bytes.size(); };
  if (data[0] % 2 == 0) {
    const Followed whole = follow_request(bytes, all);
    check(are_same(follow_request(bytes, some), whole));
    const Followed other = parse_request(bytes);
    if (whole.end == Followed::End::done && other.end == Followed::End::done) check(whole == other);
  } else {
    const char* const method = data[0] % 8 == 1 ? "HEAD" : data[0] % 8 == 3 ? "CONNECT" : "GET";
    check(follow_answer(bytes, method, some) == follow_answer(bytes, method, all));
  }
  return 0;
}

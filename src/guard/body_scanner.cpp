#include "guard/body_scanner.h"

#include <algorithm>

namespace halcyon::guard {
namespace {

constexpr uint32_t kLongestLine = 16 << 10;          // of an extension or all trailers
constexpr uint64_t kLargestChunk = UINT64_MAX >> 4;  // a further digit fits

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

size_t BodyScanner::take(std::string_view bytes) {
  if (kind_ == Kind::until_close) return bytes.size();
  if (kind_ == Kind::length) {
    const size_t n = std::min<uint64_t>(left_, bytes.size());
    left_ -= n;
    return n;
  }
  size_t used = 0;
  while (used < bytes.size() && state_ != State::done && state_ != State::broken) {
    if (state_ == State::data) {
      const size_t n = std::min<uint64_t>(left_, bytes.size() - used);
      left_ -= n;
      used += n;
      if (left_ == 0) state_ = State::data_cr;
      continue;
    }
    push(bytes[used++]);
  }
  return used;
}

void BodyScanner::push(char c) {
  const auto expect = [&](char wanted, State next) { state_ = c == wanted ? next : State::broken; };
  switch (state_) {
    case State::size_start:
    case State::size:
      if (const int digit = hex(c); digit >= 0) {
        left_ = (state_ == State::size_start ? 0 : left_ * 16) + static_cast<unsigned>(digit);
        state_ = left_ > kLargestChunk ? State::broken : State::size;
      } else if (state_ == State::size_start) {
        state_ = State::broken;
      } else if (c == '\r') {
        state_ = State::size_lf;
      } else {
        line_ = 0;
        state_ = c == ';' || c == ' ' || c == '\t' ? State::extension : State::broken;
      }
      break;
    case State::extension:
      if (c == '\r')
        state_ = State::size_lf;
      else if (c == '\n' || ++line_ > kLongestLine)
        state_ = State::broken;
      break;
    case State::size_lf:
      line_ = 0;
      expect('\n', left_ > 0 ? State::data : State::line_start);
      break;
    case State::data_cr:
      expect('\r', State::data_lf);
      break;
    case State::data_lf:
      expect('\n', State::size_start);
      break;
    case State::line_start:
      state_ = c == '\r' ? State::last_lf : c == '\n' ? State::broken : State::line;
      break;
    case State::line:
      if (c == '\n')
        state_ = State::line_start;
      else if (++line_ > kLongestLine)
        state_ = State::broken;
      break;
    case State::last_lf:
      expect('\n', State::done);
      break;
    case State::data:
    case State::done:
    case State::broken:
      break;
  }
}

}  // namespace halcyon::guard

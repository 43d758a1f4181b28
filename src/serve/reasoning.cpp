#include "serve/reasoning.h"

#include <utility>

namespace halcyon::serve {
namespace {

// Both begin with their only '<': where a tag fails to match, the next one begins at that byte at the
// earliest.
constexpr std::string_view kOpening = "<think>";
constexpr std::string_view kClosing = "</think>";
constexpr std::string_view kWhiteSpace = " \t\r\n";
constexpr std::string_view kNewline = "\r\n";

}  // namespace

bool opens_reasoning(std::string_view prompt) {
  return prompt.substr(0, prompt.find_last_not_of(kWhiteSpace) + 1).ends_with(kOpening);
}

ReasoningSplitter::Parts ReasoningSplitter::push(std::string_view text) {
  Parts out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (state_ == State::behind && !kNewline.contains(text[i])) state_ = State::answer;
    switch (state_) {
      case State::start:
        push_start(text[i], out);
        break;
      case State::inside:
        push_inside(text[i], out);
        break;
      case State::behind:
        break;
      case State::answer:
        out.content += text.substr(i);
        return out;
    }
  }
  return out;
}

ReasoningSplitter::Parts ReasoningSplitter::finish() {
  Parts out;
  if (state_ == State::start) out.content = take_held(kOpening);
  if (state_ == State::inside) out.reasoning = take_held(kClosing);
  return out;
}

void ReasoningSplitter::push_start(char c, Parts& out) {
  if (c == kOpening[matched_]) {
    if (++matched_ < kOpening.size()) return;
    space_.clear();
    matched_ = 0;
    state_ = State::inside;
  } else if (matched_ == 0 && kWhiteSpace.contains(c)) {
    space_ += c;
  } else {
    out.content += take_held(kOpening) + c;
    state_ = State::answer;
  }
}

void ReasoningSplitter::push_inside(char c, Parts& out) {
  if (matched_ > 0 && c != kClosing[matched_]) {
    out.reasoning += take_held(kClosing);
    block_begins_ = false;
  }
  if (c == kClosing[matched_]) {
    if (++matched_ == kClosing.size()) state_ = State::behind;
  } else if (kNewline.contains(c)) {
    if (!block_begins_) space_ += c;
  } else {
    out.reasoning += take_held(kClosing) + c;
    block_begins_ = false;
  }
}

std::string ReasoningSplitter::take_held(std::string_view tag) {
  return std::exchange(space_, {}).append(tag.substr(0, std::exchange(matched_, 0)));
}

}  // namespace halcyon::serve

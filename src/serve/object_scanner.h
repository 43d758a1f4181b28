// Finds the end of a JSON object in a text that arrives byte by byte.
#pragma once

#include <string>
#include <string_view>

namespace halcyon::serve {

/// Sees brackets and strings, and soon notices most text that is no JSON; whether the object really is JSON
/// is for a parser to say. Objects nested deeper than kMaxDepth are invalid.
class ObjectScanner {
 public:
  static constexpr size_t kMaxDepth = 64;
  enum class State { incomplete, complete, invalid };

  /// The next byte; the first one is the object's '{'. Nothing may follow what is complete or invalid.
  State push(char c) {
    if (in_string_) return push_in_string(c);
    if (closers_.empty() && c != '{') return State::invalid;
    switch (c) {
      case '"':
        in_string_ = true;
        return State::incomplete;
      case '{':
      case '[':
        if (closers_.size() == kMaxDepth) return State::invalid;
        closers_ += c == '{' ? '}' : ']';
        return State::incomplete;
      case '}':
      case ']':
        if (closers_.back() != c) return State::invalid;
        closers_.pop_back();
        return closers_.empty() ? State::complete : State::incomplete;
      default:  // separators, white space, numbers and the letters of true, false and null
        return std::string_view(":, \t\r\n0123456789+-.eEtrufalsn").contains(c) ? State::incomplete
                                                                                : State::invalid;
    }
  }

 private:
  State push_in_string(char c) {
    if (static_cast<unsigned char>(c) < 0x20) return State::invalid;  // RFC 8259, section 7
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = true;
    } else if (c == '"') {
      in_string_ = false;
    }
    return State::incomplete;
  }

  std::string closers_;  ///< of what is open
  bool in_string_ = false, escaped_ = false;
};

}  // namespace halcyon::serve

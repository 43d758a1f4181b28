// The text as PCRE2 shall see it.
#pragma once

#include <string>
#include <string_view>

namespace halcyon::tokenizer {

/// A text of the same length, byte for byte at the same offsets, in which each character that PCRE2 would
/// class otherwise than the patterns mean is replaced by one that it classes right:
///   - encoded surrogates, which are no UTF-8, by a private-use character: both are in no class;
///   - U+180E, a format character that PCRE2 counts as white space, by U+200B;
///   - characters of Unicode 15.0 and 15.1, which PCRE2 10.42 (Unicode 14) does not know, by others of their
///   category
///     and, where a pattern names ranges, of the same ranges.
class Subject {
 public:
  /// `text` has to outlive the subject, which refers to it when there is nothing to replace.
  explicit Subject(std::string_view text);
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;

  std::string_view text() const { return text_; }

 private:
  std::string copy_;
  std::string_view text_;
};

}  // namespace halcyon::tokenizer

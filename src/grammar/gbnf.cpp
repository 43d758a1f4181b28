#include "grammar/gbnf.h"

#include <optional>
#include <unordered_map>

#include "base/quote.h"
#include "grammar/limits.h"

namespace halcyon::grammar {
namespace {

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

std::optional<uint32_t> digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

class Parser {
 public:
  explicit Parser(std::string_view source) : source_(source) {}

  Result<Rules> run() {
    if (source_.size() > limits::source_bytes)
      return fail("line 1, column 1: the grammar has {} bytes, at most {} are allowed", source_.size(),
                  limits::source_bytes);
    for (skip_space(); pos_ < source_.size(); skip_space()) CHECK_OK(rule());
    for (const auto& [name, used] : rules_)
      if (!used.defined) undefined_ = std::min(undefined_, used.pos);
    if (undefined_ != source_.npos) {
      pos_ = undefined_;
      return error("rule {} is not defined", quote(name_at(pos_)));
    }
    const auto root = rules_.find("root");
    if (root == rules_.end()) return error("expected a rule \"root\", which is the whole text");
    out_.root = root->second.id;
    return std::move(out_);
  }

 private:
  struct Known {
    RuleId id;
    size_t pos;  ///< where it is first named, or defined
    bool defined = false;
  };

  struct Place {
    size_t pos = 0, line = 1, column = 1;
  };

  Result<void> rule() {
    const size_t start = pos_;
    const std::string_view name = name_at(pos_);
    if (name.empty()) return error("expected the name of a rule, found {}", found());
    if (!begins_line(start)) return error("expected the end of the line before rule {}", quote(name));
    pos_ += name.size();
    skip_space();
    if (!take("::=")) return error("expected \"::=\" after the name {}, found {}", quote(name), found());
    Known& known = mention(name, start);
    if (known.defined) {
      pos_ = start;
      return error("rule {} is defined twice, first at {}", quote(name), place(known.pos));
    }
    known.defined = true;
    known.pos = start;
    const RuleId id = known.id;
    if (out_.list.size() > limits::rules) return error("more than {} rules", limits::rules);
    TRY(Expr body, alternatives(0));
    out_.list[id].where = place(start);
    out_.list[id].body = std::move(body);
    skip_space();
    if (pos_ < source_.size() && name_at(pos_).empty())
      return error("expected '|', a rule or a part of one, found {}", found());
    return {};
  }

  Result<Expr> alternatives(int depth) {
    if (depth > limits::nesting) return error("groups are nested more than {} deep", limits::nesting);
    Expr out(Expr::Kind::choice, {});
    do {
      if (++n_parts_ > limits::parts) return error("more than {} parts", limits::parts);
      TRY(Expr part, parts(depth));
      out.parts.push_back(std::move(part));
      skip_space();
    } while (take("|"));
    if (out.parts.size() > 1) return out;
    return std::move(out.parts.front());
  }

  Result<Expr> parts(int depth) {
    Expr out;
    for (skip_space(); at_part(); skip_space()) {
      if (++n_parts_ > limits::parts) return error("more than {} parts", limits::parts);
      TRY(Expr part, this->part(depth));
      CHECK_OK(repetitions(part));
      out.parts.push_back(std::move(part));
    }
    return out;
  }

  bool at_part() const {
    if (pos_ == source_.size()) return false;
    if (std::string_view("\"[(.").find(peek()) != std::string_view::npos) return true;
    return !name_at(pos_).empty() && !at_rule();
  }

  /// A name that "::=" follows.
  bool at_rule() const { return source_.substr(skipped(pos_ + name_at(pos_).size())).starts_with("::="); }

  Result<Expr> part(int depth) {
    const size_t start = pos_;
    if (take("\"")) return literal_text(start);
    if (take("[")) return character_class(start);
    if (take(".")) return characters(complement({}));
    if (take("(")) {
      TRY(Expr group, alternatives(depth + 1));
      if (!take(")"))
        return error("expected ')' for the '(' at {}, or another part of the group, found {}", place(start),
                     found());
      return group;
    }
    const std::string_view name = name_at(pos_);
    const RuleId id = mention(name, pos_).id;
    pos_ += name.size();
    return reference(id);
  }

  Result<Expr> literal_text(size_t start) {
    std::string text;
    while (!take("\"")) {
      if (pos_ == source_.size()) return unclosed(start, "literal", '"');
      TRY(const char32_t character, this->character());
      append_utf8(text, character);
    }
    return literal(std::move(text));
  }

  Result<Expr> character_class(size_t start) {
    const bool negated = take("^");
    std::vector<CharRange> ranges;
    while (!take("]")) {
      if (pos_ == source_.size()) return unclosed(start, "class", ']');
      const size_t range_start = pos_;
      TRY(const char32_t first, character());
      char32_t last = first;
      if (peek() == '-' && pos_ + 1 < source_.size() && source_[pos_ + 1] != ']') {
        ++pos_;
        TRY(last, character());
      }
      if (last < first) {
        pos_ = range_start;
        return error("the range ends before it begins");
      }
      ranges.push_back({first, last});
    }
    CharSet set = normalized(std::move(ranges));
    return characters(negated ? complement(set) : std::move(set));
  }

  std::unexpected<Error> unclosed(size_t start, std::string_view what, char close) {
    pos_ = start;
    return error("the {} is not closed: '{}' is missing", what, close);
  }

  /// One character of a literal or a class; the source has not ended.
  Result<char32_t> character() {
    const size_t start = pos_;
    if (!take("\\")) {
      std::string_view rest = source_.substr(pos_);
      const auto character = take_character(rest);
      if (!character) return error("expected a character, found bytes that are not UTF-8");
      pos_ = source_.size() - rest.size();
      return *character;
    }
    const char escape = peek();
    pos_ += pos_ < source_.size();
    switch (escape) {
      case 'n':
        return U'\n';
      case 'r':
        return U'\r';
      case 't':
        return U'\t';
      case 'x':
        return hex_character(start, 2);
      case 'u':
        return hex_character(start, 4);
      case 'U':
        return hex_character(start, 8);
      default:
        if (escape != '\0' && std::string_view("\"\\[]-^").find(escape) != std::string_view::npos)
          return static_cast<char32_t>(escape);
        pos_ = start;
        return error("expected one of \\n \\r \\t \\\" \\\\ \\[ \\] \\- \\^ \\xHH \\uHHHH \\UHHHHHHHH");
    }
  }

  Result<char32_t> hex_character(size_t start, int n_digits) {
    char32_t value = 0;
    for (int i = 0; i < n_digits; ++i, ++pos_) {
      const auto digit = digit_value(peek());
      if (!digit)
        return error("expected {} hexadecimal digits, found {} after {} of them", n_digits, found(), i);
      value = value << 4 | *digit;
    }
    if (value <= kLastCharacter && !is_surrogate(value)) return value;
    pos_ = start;
    return error("expected a character up to 10FFFF that is no surrogate");
  }

  /// Any number of * + ? {…} behind a part.
  Result<void> repetitions(Expr& part) {
    for (int n = 0;; ++n) {
      skip_space();
      const size_t start = pos_;
      uint32_t min = 0, max = kUnlimited;
      if (take("+")) {
        min = 1;
      } else if (take("?")) {
        max = 1;
      } else if (take("{")) {
        CHECK_OK(counts(start, min, max));
      } else if (!take("*")) {
        return {};
      }
      if (n == limits::nesting) return error("more than {} repetitions of one part", limits::nesting);
      part = repeat(std::move(part), min, max);
    }
  }

  Result<void> counts(size_t start, uint32_t& min, uint32_t& max) {
    CHECK_OK(count(min));
    max = min;
    if (take(",")) {
      max = kUnlimited;
      skip_space();
      if (peek() != '}') CHECK_OK(count(max));
    }
    if (!take("}")) return error("expected '}}' or ',' in a repetition, found {}", found());
    if (min <= max) return {};
    pos_ = start;
    return error("the repetition {{{},{}}} has its larger number first", min, max);
  }

  Result<void> count(uint32_t& value) {
    skip_space();
    const size_t start = pos_;
    for (value = 0; peek() >= '0' && peek() <= '9'; ++pos_) {
      value = value * 10 + (peek() - '0');
      if (value <= limits::repetitions) continue;
      pos_ = start;
      return error("expected a number of repetitions up to {}", limits::repetitions);
    }
    if (pos_ == start) return error("expected a number of repetitions, found {}", found());
    skip_space();
    return {};
  }

  /// The rule of that name, made known at `pos` if it is new.
  Known& mention(std::string_view name, size_t pos) {
    const auto [place, is_new] = rules_.try_emplace(name, Known{static_cast<RuleId>(out_.list.size()), pos});
    if (is_new) out_.add(std::string(name), {});
    return place->second;
  }

  char peek() const { return pos_ < source_.size() ? source_[pos_] : '\0'; }

  bool take(std::string_view text) {
    if (!source_.substr(pos_).starts_with(text)) return false;
    pos_ += text.size();
    return true;
  }

  std::string_view name_at(size_t pos) const {
    size_t end = pos;
    while (end < source_.size() && is_name_char(source_[end])) ++end;
    return source_.substr(pos, end - pos);
  }

  void skip_space() { pos_ = skipped(pos_); }

  /// The position behind white space, line ends and comments.
  size_t skipped(size_t pos) const {
    for (; pos < source_.size(); ++pos) {
      if (source_[pos] == '#')
        pos = std::min(source_.find('\n', pos), source_.size() - 1);
      else if (std::string_view(" \t\r\n").find(source_[pos]) == std::string_view::npos)
        break;
    }
    return pos;
  }

  bool begins_line(size_t pos) const {
    const size_t before = source_.substr(0, pos).find_last_not_of(" \t\r");
    return before == source_.npos || source_[before] == '\n';
  }

  std::string found() const {
    if (pos_ == source_.size()) return "the end of the grammar";
    std::string_view rest = source_.substr(pos_);
    const size_t length = take_character(rest) ? source_.size() - pos_ - rest.size() : 1;
    return quote(source_.substr(pos_, length));
  }

  /// Lines and columns (in characters) from 1. Counts from the last place on, so that asking for each rule's
  /// is linear.
  std::string place(size_t pos) const {
    if (pos < last_place_.pos) last_place_ = {};
    for (; last_place_.pos < pos; ++last_place_.pos) {
      const char c = source_[last_place_.pos];
      if (c == '\n') {
        ++last_place_.line;
        last_place_.column = 1;
      } else if ((c & 0xC0) != 0x80) {
        ++last_place_.column;
      }
    }
    return fmt::format("line {}, column {}", last_place_.line, last_place_.column);
  }

  template <class... Args>
  std::unexpected<Error> error(fmt::format_string<Args...> format, Args&&... args) const {
    return fail("{}: {}", place(pos_), fmt::format(format, std::forward<Args>(args)...));
  }

  std::string_view source_;
  size_t pos_ = 0;
  size_t n_parts_ = 0;
  size_t undefined_ = std::string_view::npos;
  std::unordered_map<std::string_view, Known> rules_;
  mutable Place last_place_;
  Rules out_;
};

}  // namespace

Result<Rules> parse_gbnf(std::string_view source) { return Parser(source).run(); }

}  // namespace halcyon::grammar

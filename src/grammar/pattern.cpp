#include "grammar/pattern.h"

#include <optional>

#include "base/quote.h"
#include "grammar/json_rules.h"
#include "grammar/limits.h"

namespace halcyon::grammar {
namespace {

CharSet digit_set() { return {{'0', '9'}}; }
CharSet word_set() { return normalized({{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}); }
CharSet space_set() {
  return normalized({{'\t', '\r'},
                     {' ', ' '},
                     {0xA0, 0xA0},
                     {0x1680, 0x1680},
                     {0x2000, 0x200A},
                     {0x2028, 0x2029},
                     {0x202F, 0x202F},
                     {0x205F, 0x205F},
                     {0x3000, 0x3000},
                     {0xFEFF, 0xFEFF}});
}
CharSet line_end_set() { return normalized({{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}}); }

class Parser {
 public:
  explicit Parser(std::string_view pattern) : pattern_(pattern), rest_(pattern) {}

  /// ^…$, or alternatives that each are.
  Result<Expr> run() {
    Expr out = choice();
    do {
      if (!take("^")) return not_anchored();
      TRY(Expr part, sequence_of_parts(0));
      out.parts.push_back(std::move(part));
      if (!take("$")) return rest_.empty() || rest_[0] == '|' ? not_anchored() : unexpected();
    } while (take("|"));
    if (!rest_.empty()) return unexpected();
    return out;
  }

 private:
  std::unexpected<Error> not_anchored() const {
    return fail("{} is not anchored: write ^…$, with .* inside for what may be around it", quote(pattern_));
  }

  std::unexpected<Error> unexpected() const {
    return error("{} is not supported here", quote(rest_.substr(0, 8)));
  }

  template <class... Args>
  std::unexpected<Error> error(fmt::format_string<Args...> format, Args&&... args) const {
    return fail("{}, byte {}: {}", quote(pattern_), pattern_.size() - rest_.size(),
                fmt::format(format, std::forward<Args>(args)...));
  }

  Result<Expr> alternatives(int depth) {
    Expr out = choice();
    do {
      TRY(Expr part, sequence_of_parts(depth));
      out.parts.push_back(std::move(part));
    } while (take("|"));
    return out;
  }

  Result<Expr> sequence_of_parts(int depth) {
    Expr out;
    while (!rest_.empty() && std::string_view("|)$").find(rest_[0]) == std::string_view::npos) {
      if (++n_parts_ > limits::parts) return error("more than {} parts", limits::parts);
      TRY(Expr part, this->part(depth));
      CHECK_OK(quantifier(part));
      out.parts.push_back(std::move(part));
    }
    return out;
  }

  Result<Expr> part(int depth) {
    if (take("(")) return group(depth);
    if (take("[")) return character_class();
    if (take(".")) return json_character(complement(line_end_set()));
    if (std::string_view("^*+?{}]").find(rest_[0]) != std::string_view::npos) return unexpected();
    TRY(const CharSet set, character_or_escape());
    return json_character(set);
  }

  Result<Expr> group(int depth) {
    if (depth == limits::nesting) return error("groups are nested more than {} deep", limits::nesting);
    if (rest_.starts_with("?") && !take("?:")) return unexpected();
    TRY(Expr out, alternatives(depth + 1));
    if (take(")")) return out;
    return rest_.empty() ? error("a group is not closed: ')' is missing") : unexpected();
  }

  Result<Expr> character_class() {
    const bool negated = take("^");
    std::vector<CharRange> ranges;
    while (!take("]")) {
      if (rest_.empty()) return error("a class is not closed: ']' is missing");
      TRY(const CharSet first, character_or_escape());
      const bool is_range = rest_.starts_with("-") && rest_.size() > 1 && rest_[1] != ']';
      if (!is_range) {
        ranges.insert(ranges.end(), first.begin(), first.end());
        continue;
      }
      take("-");
      TRY(const CharSet last, character_or_escape());
      const auto single = [](const CharSet& set) { return set.size() == 1 && set[0].first == set[0].last; };
      if (!single(first) || !single(last) || last[0].first < first[0].first)
        return error("a range of a class has no order");
      ranges.push_back({first[0].first, last[0].first});
    }
    const CharSet set = normalized(std::move(ranges));
    return json_character(negated ? complement(set) : set);
  }

  Result<CharSet> character_or_escape() {
    if (take("\\")) return escape();
    const auto character = take_character(rest_);
    if (!character) return error("expected a character, found bytes that are not UTF-8");
    return CharSet{{*character, *character}};
  }

  Result<CharSet> escape() {
    const auto one = [](char32_t character) { return CharSet{{character, character}}; };
    const char letter = rest_.empty() ? '\0' : rest_[0];
    rest_.remove_prefix(rest_.empty() ? 0 : 1);
    switch (letter) {
      case 'd':
        return digit_set();
      case 'D':
        return complement(digit_set());
      case 'w':
        return word_set();
      case 'W':
        return complement(word_set());
      case 's':
        return space_set();
      case 'S':
        return complement(space_set());
      case 'n':
        return one('\n');
      case 'r':
        return one('\r');
      case 't':
        return one('\t');
      case 'f':
        return one('\f');
      case 'v':
        return one('\v');
      case 'x':
        return hex(2);
      case 'u':
        return hex(4);
      default:
        if (letter > ' ' && letter <= '~' && !contains(word_set(), static_cast<char32_t>(letter)))
          return one(static_cast<char32_t>(letter));
        return error("the escape {} is not supported", quote(std::string("\\") + letter));
    }
  }

  Result<CharSet> hex(size_t n_digits) {
    char32_t value = 0;
    for (size_t i = 0; i < n_digits; ++i) {
      const char c = rest_.empty() ? '\0' : rest_[0];
      const size_t digit =
          std::string_view("0123456789abcdef").find(c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c);
      if (digit == std::string_view::npos) return error("expected {} hexadecimal digits", n_digits);
      value = value << 4 | static_cast<char32_t>(digit);
      rest_.remove_prefix(1);
    }
    if (is_surrogate(value)) return error("surrogates are not supported: write the character itself");
    return CharSet{{value, value}};
  }

  Result<void> quantifier(Expr& part) {
    uint32_t min = 0, max = kUnlimited;
    if (take("+")) {
      min = 1;
    } else if (take("?")) {
      max = 1;
    } else if (take("{")) {
      CHECK_OK(counts(min, max));
    } else if (!take("*")) {
      return {};
    }
    take("?");  // the lazy forms match the same texts
    part = repeat(std::move(part), min, max);
    return {};
  }

  Result<void> counts(uint32_t& min, uint32_t& max) {
    const auto first = count();
    if (!first) return error("expected a number of repetitions up to {}", limits::repetitions);
    min = max = *first;
    if (take(",")) {
      max = kUnlimited;
      if (!rest_.starts_with("}")) {
        const auto last = count();
        if (!last) return error("expected a number of repetitions up to {}", limits::repetitions);
        max = *last;
      }
    }
    if (!take("}")) return error("a repetition is not closed: '}}' is missing");
    if (max < min) return error("a repetition has its larger number first");
    return {};
  }

  std::optional<uint32_t> count() {
    std::optional<uint32_t> value;
    for (; !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; rest_.remove_prefix(1)) {
      value = value.value_or(0) * 10 + static_cast<uint32_t>(rest_[0] - '0');
      if (*value > limits::repetitions) return std::nullopt;
    }
    return value;
  }

  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  std::string_view pattern_;
  std::string_view rest_;
  size_t n_parts_ = 0;
};

}  // namespace

Result<Expr> pattern_expr(std::string_view pattern) { return Parser(pattern).run(); }

}  // namespace halcyon::grammar

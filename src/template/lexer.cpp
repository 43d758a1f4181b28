#include "template/lexer.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/quote.h"
#include "template/text.h"

namespace halcyon::jinja {
namespace {

bool is_name_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || c == '_' || is_alpha(byte) || is_digit(byte);
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  Result<std::vector<Token>> run() {
    while (pos_ < source_.size()) {
      const size_t tag = find_tag();
      if (tag == source_.npos) {
        add_data(source_.substr(pos_));
        advance(source_.size());
        break;
      }
      const char type = source_[tag + 1];
      const char sign = sign_at(tag + 2);
      add_data(before_tag(source_.substr(pos_, tag - pos_), sign, type != '{'));
      advance(tag);
      const size_t inside = tag + 2 + (sign != 0);
      if (type == '#') {
        CHECK_OK(comment(inside));
      } else if (const auto body = raw_begin(inside); type == '%' && body) {
        CHECK_OK(raw(*body));
      } else {
        const Token::Kind begin = type == '%' ? Token::Kind::block_begin : Token::Kind::output_begin;
        add(begin, source_.substr(tag, 2));
        advance(inside);
        CHECK_OK(expression(type == '%'));
      }
    }
    add(Token::Kind::end, {});
    return std::move(tokens_);
  }

 private:
  size_t find_tag() const {
    for (size_t at = source_.find('{', pos_); at != source_.npos; at = source_.find('{', at + 1))
      if (at + 1 < source_.size() && std::string_view("{%#").find(source_[at + 1]) != std::string_view::npos)
        return at;
    return source_.npos;
  }

  char sign_at(size_t at) const {
    return at < source_.size() && (source_[at] == '-' || source_[at] == '+') ? source_[at] : '\0';
  }

  /// The data before a tag, less the white space that the tag's sign or its place at the start of a line
  /// removes.
  std::string_view before_tag(std::string_view data, char sign, bool strips_line) const {
    if (sign == '-') return strip(data, {}, false, true);
    if (sign == '+' || !strips_line) return data;
    const size_t newline = data.rfind('\n');
    const size_t start = newline == data.npos ? 0 : newline + 1;
    const bool at_line_start = newline != data.npos || pos_ == 0 || source_[pos_ - 1] == '\n';
    return at_line_start && strip(data.substr(start)).empty() ? data.substr(0, start) : data;
  }

  /// The position behind `close`, looked for at `at` with an optional sign, and the white space that goes
  /// with it.
  std::optional<size_t> tag_end(size_t at, std::string_view close, bool trim_newline) const {
    const char sign = sign_at(at);
    if (sign == '+' && !trim_newline) return std::nullopt;
    const size_t start = at + (sign != 0);
    if (source_.substr(start, close.size()) != close) return std::nullopt;
    size_t end = start + close.size();
    if (sign == '-') return skip_space(end);
    if (sign == 0 && trim_newline && end < source_.size() && source_[end] == '\n') ++end;
    return end;
  }

  size_t skip_space(size_t at) const {
    return at + (source_.size() - at - strip(source_.substr(at), {}, true, false).size());
  }

  Result<void> comment(size_t at) {
    const size_t close = source_.find("#}", at);
    if (close == source_.npos) return fail("line {}: the comment is not closed: '#}}' is missing", line_);
    const bool has_sign = close > at && sign_at(close - 1);
    advance(*tag_end(close - has_sign, "#}", true));
    return {};
  }

  /// The position behind a `{% raw %}` whose inside starts at `at`.
  std::optional<size_t> raw_begin(size_t at) const { return keyword_tag(at, "raw", false); }

  std::optional<size_t> keyword_tag(size_t at, std::string_view keyword, bool trim_newline) const {
    at = skip_space(at);
    if (source_.substr(at, keyword.size()) != keyword) return std::nullopt;
    return tag_end(skip_space(at + keyword.size()), "%}", trim_newline);
  }

  Result<void> raw(size_t body) {
    const int opened = line_;
    advance(body);
    for (size_t at = source_.find("{%", body); at != source_.npos; at = source_.find("{%", at + 2)) {
      const char sign = sign_at(at + 2);
      const auto end = keyword_tag(at + 2 + (sign != 0), "endraw", true);
      if (!end) continue;
      add_data(before_tag(source_.substr(body, at - body), sign, true));
      advance(*end);
      return {};
    }
    return fail("line {}: the raw block is not closed: '{{% endraw %}}' is missing", opened);
  }

  /// Tokens up to the end of the tag.
  Result<void> expression(bool block) {
    const std::string_view close = block ? "%}" : "}}";
    const Token::Kind end_kind = block ? Token::Kind::block_end : Token::Kind::output_end;
    std::string brackets;  // the closing ones that are awaited; inside of them "}}" is no end of the tag
    const int opened = line_;
    while (true) {
      advance(skip_space(pos_));
      if (pos_ >= source_.size())
        return fail("line {}: the tag is not closed: '{}' is missing", opened, close);
      if (brackets.empty()) {
        if (const auto end = tag_end(pos_, close, block)) {
          add(end_kind, close);
          advance(*end);
          return {};
        }
      }
      const char c = source_[pos_];
      if (c == '"' || c == '\'') {
        CHECK_OK(string(c));
      } else if (is_digit(static_cast<unsigned char>(c))) {
        number();
      } else if (is_name_char(c)) {
        size_t end = pos_;
        while (end < source_.size() && is_name_char(source_[end])) ++end;
        take(Token::Kind::name, end);
      } else {
        CHECK_OK(operator_sign(brackets));
      }
    }
  }

  Result<void> string(char quote) {
    size_t end = pos_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) return fail("line {}: the string is not closed: {} is missing", line_, quote);
    add(Token::Kind::string, source_.substr(pos_ + 1, end - pos_ - 1));
    advance(end + 1);
    return {};
  }

  size_t digits(
      size_t at, bool (*is_one)(char) = [](char c) { return c >= '0' && c <= '9'; }) const {
    while (at < source_.size() && (is_one(source_[at]) || (source_[at] == '_' && at + 1 < source_.size() &&
                                                           is_one(source_[at + 1]))))
      ++at;
    return at;
  }

  void number() {
    const auto digit_at = [&](size_t at) {
      return at < source_.size() && source_[at] >= '0' && source_[at] <= '9';
    };
    if (source_[pos_] == '0' && pos_ + 2 < source_.size()) {
      const char base = static_cast<char>(source_[pos_ + 1] | 0x20);
      const auto is_hex = [](char c) {
        return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
      };
      if (base == 'x' || base == 'o' || base == 'b') {
        const size_t end = digits(pos_ + 2, is_hex);
        if (end > pos_ + 2) return take(Token::Kind::integer, end);
      }
    }
    size_t end = digits(pos_);
    Token::Kind kind = Token::Kind::integer;
    const bool after_dot =
        !tokens_.empty() && tokens_.back().text == "." && tokens_.back().kind == Token::Kind::op;
    if (!after_dot && end < source_.size() && source_[end] == '.' && digit_at(end + 1)) {
      kind = Token::Kind::real;
      end = digits(end + 1);
    }
    if (!after_dot && end < source_.size() && (source_[end] | 0x20) == 'e') {
      const size_t exponent = end + 1 + (sign_at(end + 1) != 0);
      if (digit_at(exponent)) {
        kind = Token::Kind::real;
        end = digits(exponent);
      }
    }
    take(kind, end);
  }

  Result<void> operator_sign(std::string& brackets) {
    static constexpr std::array<std::string_view, 6> two = {"//", "**", "==", "!=", ">=", "<="};
    const std::string_view next = source_.substr(pos_, 2);
    if (std::find(two.begin(), two.end(), next) != two.end()) {
      take(Token::Kind::op, pos_ + 2);
      return {};
    }
    const char c = source_[pos_];
    if (c == '(' || c == '[' || c == '{') {
      brackets += c == '(' ? ')' : c == '[' ? ']' : '}';
    } else if (c == ')' || c == ']' || c == '}') {
      if (brackets.empty()) return fail("line {}: unexpected '{}'", line_, c);
      if (brackets.back() != c)
        return fail("line {}: unexpected '{}', expected '{}'", line_, c, brackets.back());
      brackets.pop_back();
    } else if (std::string_view("+-/*%~<>=.:|,;").find(c) == std::string_view::npos) {
      return fail("line {}: unexpected character {}", line_, quote(char_at(source_, pos_).bytes));
    }
    take(Token::Kind::op, pos_ + 1);
    return {};
  }

  void take(Token::Kind kind, size_t end) {
    add(kind, source_.substr(pos_, end - pos_));
    advance(end);
  }

  void add(Token::Kind kind, std::string_view text) { tokens_.push_back({kind, text, line_}); }
  void add_data(std::string_view text) {
    if (!text.empty()) add(Token::Kind::data, text);
  }

  void advance(size_t to) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(pos_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(to), '\n'));
    pos_ = to;
  }

  std::string_view source_;
  size_t pos_ = 0;
  int line_ = 1;
  std::vector<Token> tokens_;
};

std::optional<uint32_t> hex(std::string_view digits) {
  uint32_t value = 0;
  for (const char c : digits) {
    const char low = static_cast<char>(c | 0x20);
    if (c >= '0' && c <= '9')
      value = value * 16 + static_cast<uint32_t>(c - '0');
    else if (low >= 'a' && low <= 'f')
      value = value * 16 + static_cast<uint32_t>(low - 'a' + 10);
    else
      return std::nullopt;
  }
  return value;
}

}  // namespace

std::string describe(const Token& token) {
  switch (token.kind) {
    case Token::Kind::data:
      return "text";
    case Token::Kind::block_begin:
      return "the start of a block";
    case Token::Kind::block_end:
      return "the end of the block";
    case Token::Kind::output_begin:
      return "the start of an expression";
    case Token::Kind::output_end:
      return "the end of the expression";
    case Token::Kind::end:
      return "the end of the template";
    default:
      return quote(token.text);
  }
}

std::string normalize_newlines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      out += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      out += source[i];
    }
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

Result<std::vector<Token>> tokenize(std::string_view source) { return Lexer(source).run(); }

Result<std::string> unescape(std::string_view literal) {
  static constexpr std::string_view letters = "abfnrtv\\'\"", meant = "\a\b\f\n\r\t\v\\'\"";
  std::string out;
  for (size_t i = 0; i < literal.size();) {
    if (literal[i] != '\\' || i + 1 == literal.size()) {
      out += literal[i++];
      continue;
    }
    const char c = literal[i + 1];
    i += 2;
    if (const size_t at = letters.find(c); at != letters.npos) {
      out += meant[at];
    } else if (c == '\n') {
      continue;  // a line continued
    } else if (c >= '0' && c <= '7') {
      uint32_t code = static_cast<uint32_t>(c - '0');
      for (int n = 1; n < 3 && i < literal.size() && literal[i] >= '0' && literal[i] <= '7'; ++n)
        code = code * 8 + static_cast<uint32_t>(literal[i++] - '0');
      append_utf8(out, code);
    } else if (c == 'x' || c == 'u' || c == 'U') {
      const size_t n = c == 'x' ? 2 : c == 'u' ? 4 : 8;
      const auto code = literal.size() - i >= n ? hex(literal.substr(i, n)) : std::nullopt;
      if (!code || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000))
        return fail("'\\{}' must be followed by {} hexadecimal digits of a character", c, n);
      append_utf8(out, *code);
      i += n;
    } else {
      out.append("\\").append(1, c);
    }
  }
  return out;
}

}  // namespace halcyon::jinja

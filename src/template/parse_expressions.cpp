#include <algorithm>
#include <array>
#include <charconv>

#include "base/quote.h"
#include "template/parser.h"

namespace halcyon::jinja {

template <class Node>
Result<ExpressionPtr> Parser::make(int line, int below, Node&& node) {
  if (below >= limits::expression_depth)
    return fail("line {}: the expression is longer than {} operations in a row", line,
                limits::expression_depth);
  return std::make_unique<Expression>(Expression{std::forward<Node>(node), line, below + 1});
}

int Parser::height(const CallArguments& arguments) {
  int result = std::max(height(arguments.splat), height(arguments.named_splat));
  for (const auto& argument : arguments.positional) result = std::max(result, height(argument));
  for (const auto& [name, argument] : arguments.named) result = std::max(result, height(argument));
  return result;
}

Result<void> Parser::check_depth() const {
  if (depth_ > limits::parse_depth)
    return fail("line {}: blocks and brackets are nested more than {} deep", token().line,
                limits::parse_depth);
  return {};
}

Result<ExpressionPtr> Parser::parse_expression(bool with_condition) {
  const Level level(depth_);
  CHECK_OK(check_depth());
  TRY(ExpressionPtr value, parse_or());
  const int line = token().line;
  // Written in a row, each further condition belongs to the value before it.
  while (with_condition && take_name("if")) {
    TRY(ExpressionPtr condition, parse_or());
    ExpressionPtr otherwise;
    if (take_name("else")) {
      TRY(otherwise, parse_expression());
    }
    const int below = std::max({height(value), height(condition), height(otherwise)});
    Conditional node{std::move(condition), std::move(value), std::move(otherwise)};
    TRY(value, make(line, below, std::move(node)));
  }
  return value;
}

bool Parser::ends_tuple() const {
  return token().kind == Kind::block_end || token().kind == Kind::output_end || at_op(")") || at_op("=") ||
         at_name("in") || at_name("if") || at_name("recursive");
}

Result<ExpressionPtr> Parser::parse_tuple(bool with_condition) {
  const int line = token().line;
  TRY(ExpressionPtr first, parse_expression(with_condition));
  if (!at_op(",")) return first;
  ListLiteral tuple{.items = {}, .tuple = true};
  int below = height(first);
  tuple.items.push_back(std::move(first));
  while (take_op(",") && !ends_tuple()) {
    TRY(ExpressionPtr item, parse_expression(with_condition));
    below = std::max(below, height(item));
    tuple.items.push_back(std::move(item));
  }
  return make(line, below, std::move(tuple));
}

Result<ExpressionPtr> Parser::parse_or() {
  TRY(ExpressionPtr left, parse_and());
  for (int line = token().line; take_name("or"); line = token().line) {
    TRY(ExpressionPtr right, parse_and());
    const int below = std::max(height(left), height(right));
    TRY(left, make(line, below, Binary{BinaryOp::logical_or, std::move(left), std::move(right)}));
  }
  return left;
}

Result<ExpressionPtr> Parser::parse_and() {
  TRY(ExpressionPtr left, parse_not());
  for (int line = token().line; take_name("and"); line = token().line) {
    TRY(ExpressionPtr right, parse_not());
    const int below = std::max(height(left), height(right));
    TRY(left, make(line, below, Binary{BinaryOp::logical_and, std::move(left), std::move(right)}));
  }
  return left;
}

Result<ExpressionPtr> Parser::parse_not() {
  const int line = token().line;
  if (!at_name("not")) return parse_comparison();
  next();
  const Level level(depth_);
  CHECK_OK(check_depth());
  TRY(ExpressionPtr operand, parse_not());
  const int below = height(operand);
  return make(line, below, Unary{UnaryOp::logical_not, std::move(operand)});
}

Result<ExpressionPtr> Parser::parse_comparison() {
  static constexpr std::array<std::pair<std::string_view, CompareOp>, 6> ops = {{{"==", CompareOp::eq},
                                                                                 {"!=", CompareOp::ne},
                                                                                 {"<", CompareOp::lt},
                                                                                 {"<=", CompareOp::le},
                                                                                 {">", CompareOp::gt},
                                                                                 {">=", CompareOp::ge}}};
  const int line = token().line;
  TRY(ExpressionPtr first, parse_arithmetic(0));
  Comparison comparison{std::move(first), {}};
  int below = height(comparison.first);
  while (true) {
    std::optional<CompareOp> op;
    if (token().kind == Kind::op) {
      for (const auto& [text, candidate] : ops)
        if (token().text == text) op = candidate;
    } else if (at_name("in")) {
      op = CompareOp::in;
    } else if (at_name("not") && peek().kind == Kind::name && peek().text == "in") {
      next();
      op = CompareOp::not_in;
    }
    if (!op) break;
    next();
    TRY(ExpressionPtr operand, parse_arithmetic(0));
    below = std::max(below, height(operand));
    comparison.rest.emplace_back(*op, std::move(operand));
  }
  if (comparison.rest.empty()) return std::move(comparison.first);
  return make(line, below, std::move(comparison));
}

/// The binary operators, from those that bind least. All associate to the left, even the power.
Result<ExpressionPtr> Parser::parse_arithmetic(int level) {
  struct Operator {
    int level;
    std::string_view text;
    BinaryOp op;
  };
  static constexpr std::array<Operator, 8> operators = {{{0, "+", BinaryOp::add},
                                                         {0, "-", BinaryOp::subtract},
                                                         {1, "~", BinaryOp::concat},
                                                         {2, "*", BinaryOp::multiply},
                                                         {2, "/", BinaryOp::divide},
                                                         {2, "//", BinaryOp::floor_divide},
                                                         {2, "%", BinaryOp::modulo},
                                                         {3, "**", BinaryOp::power}}};
  if (level > 3) return parse_unary();
  TRY(ExpressionPtr left, parse_arithmetic(level + 1));
  while (token().kind == Kind::op) {
    const auto found = std::find_if(operators.begin(), operators.end(), [&](const Operator& o) {
      return o.level == level && o.text == token().text;
    });
    if (found == operators.end()) break;
    const int line = token().line;
    next();
    TRY(ExpressionPtr right, parse_arithmetic(level + 1));
    const int below = std::max(height(left), height(right));
    TRY(left, make(line, below, Binary{found->op, std::move(left), std::move(right)}));
  }
  return left;
}

Result<ExpressionPtr> Parser::parse_unary(bool with_filters) {
  const int line = token().line;
  ExpressionPtr value;
  if (at_op("-") || at_op("+")) {
    const UnaryOp op = at_op("-") ? UnaryOp::minus : UnaryOp::plus;
    next();
    const Level level(depth_);
    CHECK_OK(check_depth());
    TRY(ExpressionPtr operand, parse_unary(false));
    const int below = height(operand);
    TRY(value, make(line, below, Unary{op, std::move(operand)}));
  } else {
    TRY(value, parse_primary());
  }
  TRY(value, parse_postfix(std::move(value)));
  if (with_filters) return parse_filters(std::move(value));
  return value;
}

Result<ExpressionPtr> Parser::parse_primary() {
  const Token found = token();
  switch (found.kind) {
    case Kind::string:
      return parse_string();
    case Kind::integer:
    case Kind::real:
      return parse_number();
    case Kind::name: {
      next();
      if (found.text == "true" || found.text == "True") return make(found.line, 0, Literal{Value(true)});
      if (found.text == "false" || found.text == "False") return make(found.line, 0, Literal{Value(false)});
      if (found.text == "none" || found.text == "None") return make(found.line, 0, Literal{Value(None{})});
      if (!macros_.empty()) {
        macros_.back()->uses_varargs |= found.text == "varargs";
        macros_.back()->uses_kwargs |= found.text == "kwargs";
        macros_.back()->uses_caller |= found.text == "caller";
      }
      return make(found.line, 0, Name{found.text});
    }
    default:
      break;
  }
  if (at_op("(")) return parse_parentheses();
  if (at_op("[")) return parse_list();
  if (at_op("{")) return parse_dict();
  return fail("line {}: expected an expression, found {}", found.line, describe(found));
}

Result<ExpressionPtr> Parser::parse_string() {
  const int line = token().line;
  std::string& text = ast_.strings.emplace_back();
  for (; token().kind == Kind::string; next()) {  // neighbours are one string
    auto part = unescape(token().text);
    if (!part) return fail("line {}: {}", token().line, part.error().message);
    text += *part;
  }
  return make(line, 0, Literal{Value(std::string_view(text))});
}

Result<ExpressionPtr> Parser::parse_number() {
  const Token number = token();
  next();
  std::string digits(number.text);
  std::erase(digits, '_');
  if (number.kind == Kind::real) {
    double value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc())
      return fail("line {}: the number {} is out of range", number.line, quote(number.text));
    return make(number.line, 0, Literal{Value(value)});
  }
  const char letter = digits.size() > 2 ? static_cast<char>(digits[1] | 0x20) : '\0';
  const int base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 10;
  Int value = 0;
  for (const char c : std::string_view(digits).substr(base == 10 ? 0 : 2)) {
    const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    if (digit >= base) return fail("line {}: {} is not a number", number.line, quote(number.text));
    if (__builtin_mul_overflow(value, base, &value) || __builtin_add_overflow(value, digit, &value))
      return fail("line {}: the number {} is out of range", number.line, quote(number.text));
  }
  return make(number.line, 0, Literal{Value(value)});
}

Result<ExpressionPtr> Parser::parse_parentheses() {
  const int line = token().line;
  next();
  if (take_op(")")) return make(line, 0, ListLiteral{.items = {}, .tuple = true});
  TRY(ExpressionPtr inside, parse_tuple());
  CHECK_OK(expect_op(")"));
  return inside;
}

Result<ExpressionPtr> Parser::parse_list() {
  const int line = token().line;
  next();
  ListLiteral list;
  int below = 0;
  while (!at_op("]")) {
    TRY(ExpressionPtr item, parse_expression());
    below = std::max(below, height(item));
    list.items.push_back(std::move(item));
    if (!take_op(",")) break;
  }
  CHECK_OK(expect_op("]"));
  return make(line, below, std::move(list));
}

Result<ExpressionPtr> Parser::parse_dict() {
  const int line = token().line;
  next();
  DictLiteral dict;
  int below = 0;
  while (!at_op("}")) {
    TRY(ExpressionPtr key, parse_expression());
    CHECK_OK(expect_op(":"));
    TRY(ExpressionPtr value, parse_expression());
    below = std::max({below, height(key), height(value)});
    dict.entries.emplace_back(std::move(key), std::move(value));
    if (!take_op(",")) break;
  }
  CHECK_OK(expect_op("}"));
  return make(line, below, std::move(dict));
}

Result<ExpressionPtr> Parser::parse_postfix(ExpressionPtr subject) {
  while (true) {
    if (at_op(".")) {
      TRY(subject, parse_dot(std::move(subject)));
    } else if (at_op("[")) {
      TRY(subject, parse_subscript(std::move(subject)));
    } else if (at_op("(")) {
      const int line = token().line;
      TRY(CallArguments arguments, parse_arguments());
      const int below = std::max(height(subject), height(arguments));
      TRY(subject, make(line, below, Call{std::move(subject), std::move(arguments)}));
    } else {
      return subject;
    }
  }
}

Result<ExpressionPtr> Parser::parse_dot(ExpressionPtr subject) {
  const int line = token().line;
  next();
  const int below = height(subject);
  if (token().kind == Kind::integer) {
    TRY(ExpressionPtr index, parse_number());
    return make(line, below, ItemOf{std::move(subject), std::move(index)});
  }
  TRY(const std::string_view name, expect_name("an attribute's name"));
  return make(line, below, AttributeOf{std::move(subject), name});
}

Result<ExpressionPtr> Parser::parse_subscript(ExpressionPtr subject) {
  const int line = token().line;
  next();
  SliceOf slice;
  int below = height(subject);
  bool is_slice = false;
  ExpressionPtr* parts[] = {&slice.start, &slice.stop, &slice.step};
  for (size_t i = 0; i < 3; ++i) {
    if (!at_op(":") && !at_op("]")) {
      TRY(*parts[i], i == 0 ? parse_tuple() : parse_expression());
      below = std::max(below, height(*parts[i]));
    }
    if (i == 2 || !take_op(":")) break;
    is_slice = true;
  }
  CHECK_OK(expect_op("]"));
  if (!is_slice && !slice.start) return fail("line {}: the index between '[' and ']' is missing", line);
  if (!is_slice) return make(line, below, ItemOf{std::move(subject), std::move(slice.start)});
  slice.object = std::move(subject);
  return make(line, below, std::move(slice));
}

Result<ExpressionPtr> Parser::parse_filters(ExpressionPtr subject) {
  while (true) {
    if (at_op("|")) {
      TRY(subject, parse_filter(std::move(subject)));
    } else if (at_name("is")) {
      TRY(subject, parse_test(std::move(subject)));
    } else if (at_op("(")) {
      TRY(subject, parse_postfix(std::move(subject)));
    } else {
      return subject;
    }
  }
}

Result<ExpressionPtr> Parser::parse_filter(ExpressionPtr subject) {
  const int line = token().line;
  next();
  TRY(const std::string_view name, expect_name("a filter's name"));
  CallArguments arguments;
  if (at_op("(")) {
    TRY(arguments, parse_arguments());
  }
  const int below = std::max(height(subject), height(arguments));
  return make(line, below, FilterCall{std::move(subject), name, find_filter(name), std::move(arguments)});
}

Result<ExpressionPtr> Parser::parse_test(ExpressionPtr subject) {
  const int line = token().line;
  next();
  const bool negated = take_name("not");
  TRY(const std::string_view name, expect_name("a test's name"));
  CallArguments arguments;
  const bool word = token().kind == Kind::name;
  if (at_op("(")) {
    TRY(arguments, parse_arguments());
  } else if (word && token().text == "is") {
    return fail("line {}: tests cannot be chained with 'is'", token().line);
  } else if (token().kind == Kind::string || token().kind == Kind::integer || token().kind == Kind::real ||
             at_op("[") || at_op("{") ||
             (word && token().text != "else" && token().text != "or" && token().text != "and" &&
              token().text != "if" && token().text != "in" && token().text != "not")) {
    TRY(ExpressionPtr argument, parse_primary());
    TRY(argument, parse_postfix(std::move(argument)));
    arguments.positional.push_back(std::move(argument));
  }
  const int below = std::max(height(subject), height(arguments));
  return make(line, below,
              TestCall{std::move(subject), name, find_test(name), std::move(arguments), negated});
}

Result<CallArguments> Parser::parse_arguments() {
  next();
  CallArguments arguments;
  while (!at_op(")")) {
    const int line = token().line;
    if (take_op("**")) {
      if (arguments.named_splat) return fail("line {}: '**' is given twice", line);
      TRY(arguments.named_splat, parse_expression());
    } else if (take_op("*")) {
      if (arguments.splat) return fail("line {}: '*' is given twice", line);
      TRY(arguments.splat, parse_expression());
    } else if (token().kind == Kind::name && peek().kind == Kind::op && peek().text == "=") {
      const std::string_view name = token().text;
      next();
      next();
      TRY(ExpressionPtr value, parse_expression());
      arguments.named.emplace_back(name, std::move(value));
    } else {
      if (!arguments.named.empty() || arguments.named_splat)
        return fail("line {}: an argument without a name follows one with a name", line);
      TRY(ExpressionPtr value, parse_expression());
      arguments.positional.push_back(std::move(value));
    }
    if (!take_op(",")) break;
  }
  CHECK_OK(expect_op(")"));
  return arguments;
}

bool Parser::take_op(std::string_view text) {
  const bool there = at_op(text);
  if (there) next();
  return there;
}

bool Parser::take_name(std::string_view text) {
  const bool there = at_name(text);
  if (there) next();
  return there;
}

Result<void> Parser::expect_op(std::string_view text) {
  if (take_op(text)) return {};
  return fail("line {}: expected '{}', found {}", token().line, text, describe(token()));
}

Result<std::string_view> Parser::expect_name(std::string_view what) {
  if (token().kind != Kind::name)
    return fail("line {}: expected {}, found {}", token().line, what, describe(token()));
  const std::string_view name = token().text;
  next();
  return name;
}

}  // namespace halcyon::jinja

#include <algorithm>

#include "base/quote.h"
#include "template/parser.h"

namespace halcyon::jinja {

Result<std::shared_ptr<const Ast>> parse(std::string_view source) {
  if (source.size() > limits::source_bytes)
    return fail("the template has {} bytes, more than {}", source.size(), limits::source_bytes);
  auto ast = std::make_shared<Ast>();
  ast->source = normalize_newlines(source);
  TRY(std::vector<Token> tokens, tokenize(ast->source));
  TRY(ast->body, Parser(*ast, std::move(tokens)).parse_template());
  return ast;
}

Result<Body> Parser::parse_template() { return parse_body({}, 1, {}); }

/// Statements up to a tag with one of the names `ends`, whose name is then the current token; with no ends,
/// up to the end of the template.
Result<Body> Parser::parse_body(std::string_view opener, int opened,
                                std::initializer_list<std::string_view> ends) {
  const Level level(depth_);
  CHECK_OK(check_depth());
  Body body;
  while (true) {
    const Token found = token();
    if (found.kind == Kind::end) {
      if (ends.size() == 0) return body;
      return fail("line {}: the template ends inside of '{}', opened in line {}: '{}' is missing", found.line,
                  opener, opened, *(ends.end() - 1));
    }
    next();
    if (found.kind == Kind::data) {
      body.push_back({Text{found.text}, found.line});
    } else if (found.kind == Kind::output_begin) {
      TRY(ExpressionPtr value, parse_tuple());
      if (token().kind != Kind::output_end)
        return fail("line {}: expected '}}}}', found {}", token().line, describe(token()));
      next();
      body.push_back({Output{std::move(value)}, found.line});
    } else {
      if (token().kind == Kind::name && std::find(ends.begin(), ends.end(), token().text) != ends.end())
        return body;
      CHECK_OK(parse_tag(body));
    }
  }
}

Result<void> Parser::parse_tag(Body& body) {
  const int line = token().line;
  TRY(const std::string_view keyword, expect_name("the name of a block"));
  if (keyword == "if") return parse_if(body, line);
  if (keyword == "for") return parse_for(body, line);
  if (keyword == "set") return parse_set(body, line);
  if (keyword == "with") return parse_with(body, line);
  if (keyword == "macro") return parse_macro(body, line);
  if (keyword == "call") return parse_call_block(body, line);
  if (keyword == "filter") return parse_filter_block(body, line);
  if (keyword == "break" || keyword == "continue") return parse_loop_control(body, keyword, line);
  if (keyword == "do") {
    TRY(ExpressionPtr value, parse_tuple());
    body.push_back({Do{std::move(value)}, line});
    return expect_block_end();
  }
  if (keyword == "generation") {  // marks what the assistant said, for training; only its scope matters here
    CHECK_OK(expect_block_end());
    TRY(Body inside, parse_block(keyword, line, "endgeneration"));
    body.push_back({With{{}, std::move(inside)}, line});
    return {};
  }
  if (keyword.starts_with("end") || keyword == "else" || keyword == "elif")
    return fail("line {}: {} has nothing to end here", line, quote(keyword));
  return fail("line {}: the block {} is not supported in chat templates", line, quote(keyword));
}

/// The statements up to `end`, which is taken with its tag.
Result<Body> Parser::parse_block(std::string_view opener, int opened, std::string_view end) {
  TRY(Body body, parse_body(opener, opened, {end}));
  next();
  CHECK_OK(expect_block_end());
  return body;
}

Result<void> Parser::parse_if(Body& body, int line) {
  If node;
  while (true) {
    TRY(ExpressionPtr condition, parse_tuple());
    CHECK_OK(expect_block_end());
    TRY(Body branch, parse_body("if", line, {"elif", "else", "endif"}));
    node.branches.emplace_back(std::move(condition), std::move(branch));
    if (!take_name("elif")) break;
  }
  if (take_name("else")) {
    CHECK_OK(expect_block_end());
    TRY(node.otherwise, parse_body("if", line, {"endif"}));
  }
  next();
  body.push_back({std::move(node), line});
  return expect_block_end();
}

Result<void> Parser::parse_for(Body& body, int line) {
  For node;
  TRY(node.target, parse_target(false));
  if (!take_name("in")) return fail("line {}: expected 'in', found {}", token().line, describe(token()));
  TRY(node.iterable, parse_tuple(false));
  if (take_name("if")) {
    TRY(node.condition, parse_expression());
  }
  node.recursive = take_name("recursive");
  CHECK_OK(expect_block_end());
  ++loops_;
  TRY(node.body, parse_body("for", line, {"else", "endfor"}));
  --loops_;
  if (take_name("else")) {
    CHECK_OK(expect_block_end());
    TRY(node.otherwise, parse_body("for", line, {"endfor"}));
  }
  next();
  body.push_back({std::move(node), line});
  return expect_block_end();
}

Result<void> Parser::parse_loop_control(Body& body, std::string_view keyword, int line) {
  if (loops_ == 0) return fail("line {}: '{}' is not inside a loop", line, keyword);
  if (keyword == "break")
    body.push_back({Break{}, line});
  else
    body.push_back({Continue{}, line});
  return expect_block_end();
}

Result<void> Parser::parse_set(Body& body, int line) {
  TRY(Target target, parse_target(true));
  if (take_op("=")) {
    TRY(ExpressionPtr value, parse_tuple());
    body.push_back({Set{std::move(target), std::move(value)}, line});
    return expect_block_end();
  }
  ExpressionPtr subject = std::make_unique<Expression>(Expression{Name{block_text}, line, 1});
  TRY(ExpressionPtr filters, parse_filters(std::move(subject)));
  CHECK_OK(expect_block_end());
  const int loops = std::exchange(loops_, 0);
  TRY(Body inside, parse_block("set", line, "endset"));
  loops_ = loops;
  body.push_back({BlockValue{std::move(target), std::move(filters), std::move(inside)}, line});
  return {};
}

Result<void> Parser::parse_filter_block(Body& body, int line) {
  ExpressionPtr subject = std::make_unique<Expression>(Expression{Name{block_text}, line, 1});
  --at_;  // the first filter follows the keyword as if it were a '|'
  TRY(ExpressionPtr filters, parse_filter(std::move(subject)));
  TRY(filters, parse_filters(std::move(filters)));
  CHECK_OK(expect_block_end());
  const int loops = std::exchange(loops_, 0);
  TRY(Body inside, parse_block("filter", line, "endfilter"));
  loops_ = loops;
  body.push_back({BlockValue{std::nullopt, std::move(filters), std::move(inside)}, line});
  return {};
}

Result<void> Parser::parse_with(Body& body, int line) {
  With node;
  while (token().kind != Kind::block_end) {
    TRY(Target target, parse_one_target(false));
    CHECK_OK(expect_op("="));
    TRY(ExpressionPtr value, parse_expression());
    node.variables.emplace_back(std::move(target), std::move(value));
    if (!take_op(",")) break;
  }
  CHECK_OK(expect_block_end());
  TRY(node.body, parse_block("with", line, "endwith"));
  body.push_back({std::move(node), line});
  return {};
}

Result<void> Parser::parse_signature(MacroDefinition& macro) {
  CHECK_OK(expect_op("("));
  while (!at_op(")")) {
    const int line = token().line;
    Parameter parameter;
    TRY(parameter.name, expect_name("a parameter's name"));
    if (take_op("=")) {
      TRY(parameter.fallback, parse_expression());
    } else if (!macro.parameters.empty() && macro.parameters.back().fallback) {
      return fail("line {}: the parameter {} without a default follows one with a default", line,
                  quote(parameter.name));
    }
    macro.parameters.push_back(std::move(parameter));
    if (!take_op(",")) break;
  }
  return expect_op(")");
}

/// The body of a macro or of a call block; a loop around it is none that its statements could break out of.
Result<void> Parser::parse_definition(MacroDefinition& macro, std::string_view opener, int line,
                                      std::string_view end) {
  CHECK_OK(expect_block_end());
  const int loops = std::exchange(loops_, 0);
  macros_.push_back(&macro);
  TRY(macro.body, parse_block(opener, line, end));
  macros_.pop_back();
  loops_ = loops;
  return {};
}

Result<void> Parser::parse_macro(Body& body, int line) {
  auto macro = std::make_unique<MacroDefinition>();
  TRY(macro->name, expect_name("a macro's name"));
  CHECK_OK(parse_signature(*macro));
  CHECK_OK(parse_definition(*macro, "macro", line, "endmacro"));
  body.push_back({Macro{std::move(macro)}, line});
  return {};
}

Result<void> Parser::parse_call_block(Body& body, int line) {
  auto caller = std::make_unique<MacroDefinition>();
  caller->name = "caller";
  if (at_op("(")) CHECK_OK(parse_signature(*caller));
  TRY(ExpressionPtr call, parse_expression());
  if (!std::holds_alternative<Call>(call->node)) return fail("line {}: expected a call of a macro", line);
  CHECK_OK(parse_definition(*caller, "call", line, "endcall"));
  body.push_back({CallBlock{std::move(caller), std::move(call)}, line});
  return {};
}

Result<Target> Parser::parse_target(bool with_attribute) {
  TRY(Target first, parse_one_target(with_attribute));
  if (!at_op(",")) return first;
  Target tuple;
  tuple.parts.push_back(std::move(first));
  while (take_op(",") && !ends_tuple()) {
    TRY(Target part, parse_one_target(false));
    tuple.parts.push_back(std::move(part));
  }
  return tuple;
}

Result<Target> Parser::parse_one_target(bool with_attribute) {
  const Level level(depth_);
  CHECK_OK(check_depth());
  if (take_op("(")) {
    TRY(Target inside, parse_target(false));
    CHECK_OK(expect_op(")"));
    return inside;
  }
  const Token found = token();
  Target target;
  TRY(target.name, expect_name("a name to assign to"));
  static constexpr std::string_view constants[] = {"true", "True", "false", "False", "none", "None"};
  if (std::find(std::begin(constants), std::end(constants), target.name) != std::end(constants))
    return fail("line {}: cannot assign to '{}'", found.line, target.name);
  if (with_attribute && take_op(".")) {
    TRY(target.attribute, expect_name("an attribute's name"));
  }
  return target;
}

Result<void> Parser::expect_block_end() {
  if (token().kind != Kind::block_end)
    return fail("line {}: expected '%}}', found {}", token().line, describe(token()));
  next();
  return {};
}

}  // namespace halcyon::jinja

// Builds the tree of a template. Two halves of one class: parse_expressions.cpp and parse_statements.cpp.
#pragma once

#include <initializer_list>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "template/ast.h"
#include "template/lexer.h"

namespace halcyon::jinja {

/// Parses a template. Errors start with "line N: " and say what was found.
Result<std::shared_ptr<const Ast>> parse(std::string_view source);

class Parser {
 public:
  Parser(Ast& ast, std::vector<Token> tokens) : ast_(ast), tokens_(std::move(tokens)) {}

  Result<Body> parse_template();

 private:
  using Kind = Token::Kind;

  // parse_statements.cpp
  Result<Body> parse_body(std::string_view opener, int opened, std::initializer_list<std::string_view> ends);
  Result<Body> parse_block(std::string_view opener, int opened, std::string_view end);
  Result<void> parse_tag(Body& body);
  Result<void> parse_if(Body& body, int line);
  Result<void> parse_for(Body& body, int line);
  Result<void> parse_set(Body& body, int line);
  Result<void> parse_with(Body& body, int line);
  Result<void> parse_macro(Body& body, int line);
  Result<void> parse_call_block(Body& body, int line);
  Result<void> parse_filter_block(Body& body, int line);
  Result<void> parse_loop_control(Body& body, std::string_view keyword, int line);
  Result<void> parse_signature(MacroDefinition& macro);
  Result<void> parse_definition(MacroDefinition& macro, std::string_view opener, int line,
                                std::string_view end);
  Result<Target> parse_target(bool with_attribute);
  Result<Target> parse_one_target(bool with_attribute);
  Result<void> expect_block_end();

  // parse_expressions.cpp
  Result<ExpressionPtr> parse_expression(bool with_condition = true);
  Result<ExpressionPtr> parse_tuple(bool with_condition = true);
  Result<ExpressionPtr> parse_or();
  Result<ExpressionPtr> parse_and();
  Result<ExpressionPtr> parse_not();
  Result<ExpressionPtr> parse_comparison();
  Result<ExpressionPtr> parse_arithmetic(int level);
  Result<ExpressionPtr> parse_unary(bool with_filters = true);
  Result<ExpressionPtr> parse_primary();
  Result<ExpressionPtr> parse_string();
  Result<ExpressionPtr> parse_number();
  Result<ExpressionPtr> parse_parentheses();
  Result<ExpressionPtr> parse_list();
  Result<ExpressionPtr> parse_dict();
  Result<ExpressionPtr> parse_postfix(ExpressionPtr subject);
  Result<ExpressionPtr> parse_dot(ExpressionPtr subject);
  Result<ExpressionPtr> parse_subscript(ExpressionPtr subject);
  Result<ExpressionPtr> parse_filters(ExpressionPtr subject);
  Result<ExpressionPtr> parse_filter(ExpressionPtr subject);
  Result<ExpressionPtr> parse_test(ExpressionPtr subject);
  Result<CallArguments> parse_arguments();
  bool ends_tuple() const;

  /// A node above subtrees of height `below`, unless that makes the tree too high.
  template <class Node>
  Result<ExpressionPtr> make(int line, int below, Node&& node);
  static int height(const ExpressionPtr& e) { return e ? e->height : 0; }
  static int height(const CallArguments& arguments);

  const Token& token() const { return tokens_[at_]; }
  const Token& peek() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  void next() { at_ += at_ + 1 < tokens_.size(); }
  bool at_op(std::string_view text) const { return token().kind == Kind::op && token().text == text; }
  bool at_name(std::string_view text) const { return token().kind == Kind::name && token().text == text; }
  bool take_op(std::string_view text);
  bool take_name(std::string_view text);
  Result<void> expect_op(std::string_view text);
  Result<std::string_view> expect_name(std::string_view what);

  /// Fails where blocks and brackets are nested too deep; counts one level as long as it lives.
  struct Level {
    int& depth;
    explicit Level(int& d) : depth(++d) {}
    ~Level() { --depth; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
  };
  Result<void> check_depth() const;

  Ast& ast_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0;
  int loops_ = 0;                         ///< enclosing loops, for break and continue
  std::vector<MacroDefinition*> macros_;  ///< enclosing macros, to note the special names they use
};

}  // namespace halcyon::jinja

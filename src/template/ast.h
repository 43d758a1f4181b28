// A parsed template as a tree. Names and text are views of the template's source or of `Ast::strings`.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "template/builtins.h"
#include "template/value.h"

namespace halcyon::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

enum class UnaryOp { plus, minus, logical_not };
enum class BinaryOp {
  add,
  subtract,
  multiply,
  divide,
  floor_divide,
  modulo,
  power,
  concat,
  logical_and,
  logical_or
};
enum class CompareOp { eq, ne, lt, le, gt, ge, in, not_in };

struct CallArguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string_view, ExpressionPtr>> named;
  ExpressionPtr splat, named_splat;  ///< *args, **kwargs
};

struct Literal {
  Value value;
};
struct Name {
  std::string_view name;
};
struct ListLiteral {
  std::vector<ExpressionPtr> items;
  bool tuple = false;
};
struct DictLiteral {
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> entries;
};
struct Unary {
  UnaryOp op;
  ExpressionPtr operand;
};
struct Binary {
  BinaryOp op;
  ExpressionPtr left, right;
};
/// `first op operand op operand …`, each neighbouring pair compared as in Python.
struct Comparison {
  ExpressionPtr first;
  std::vector<std::pair<CompareOp, ExpressionPtr>> rest;
};
/// `then if condition else otherwise`; otherwise may be missing.
struct Conditional {
  ExpressionPtr condition, then, otherwise;
};
struct AttributeOf {
  ExpressionPtr object;
  std::string_view name;
};
struct ItemOf {
  ExpressionPtr object, key;
};
struct SliceOf {
  ExpressionPtr object, start, stop, step;
};
struct Call {
  ExpressionPtr callee;
  CallArguments arguments;
};
/// `subject | name(arguments)`; the subject of a filter block is the block's text.
struct FilterCall {
  ExpressionPtr subject;
  std::string_view name;
  FilterFunction filter;
  CallArguments arguments;
};
struct TestCall {
  ExpressionPtr subject;
  std::string_view name;
  TestFunction test;
  CallArguments arguments;
  bool negated;
};

struct Expression {
  std::variant<Literal, Name, ListLiteral, DictLiteral, Unary, Binary, Comparison, Conditional, AttributeOf,
               ItemOf, SliceOf, Call, FilterCall, TestCall>
      node;
  int line = 1;
  int height = 1;  ///< of the tree below, itself included
};

struct Statement;
using Body = std::vector<Statement>;

/// What `set` and `for` assign to: a name, an attribute of a namespace, or several of them.
struct Target {
  std::string_view name;
  std::string_view attribute;  ///< empty: the name itself
  std::vector<Target> parts;   ///< not empty: unpacks into these
};

struct Parameter {
  std::string_view name;
  ExpressionPtr fallback;
};

/// What a macro and the body of a call block have in common.
struct MacroDefinition {
  std::string_view name;
  std::vector<Parameter> parameters;
  Body body;
  bool uses_varargs = false, uses_kwargs = false, uses_caller = false;
};

struct Text {
  std::string_view text;
};
struct Output {
  ExpressionPtr value;
};
struct If {
  std::vector<std::pair<ExpressionPtr, Body>> branches;
  Body otherwise;
};
struct For {
  Target target;
  ExpressionPtr iterable, condition;
  Body body, otherwise;
  bool recursive = false;
};
struct Break {};
struct Continue {};
struct Set {
  Target target;
  ExpressionPtr value;
};
/// `{% set x | filters %}…{% endset %}` and `{% filter filters %}…{% endfilter %}` (no target: printed). The
/// filters are an expression over the name `block_text`.
struct BlockValue {
  std::optional<Target> target;
  ExpressionPtr filters;
  Body body;
};
struct With {
  std::vector<std::pair<Target, ExpressionPtr>> variables;
  Body body;
};
struct Macro {
  std::unique_ptr<MacroDefinition> definition;
};
struct CallBlock {
  std::unique_ptr<MacroDefinition> caller;
  ExpressionPtr call;
};
struct Do {
  ExpressionPtr value;
};

struct Statement {
  std::variant<Text, Output, If, For, Break, Continue, Set, BlockValue, With, Macro, CallBlock, Do> node;
  int line = 1;
};

struct Ast {
  std::string source;
  std::deque<std::string> strings;  ///< what string literals mean
  Body body;
};

/// The name under which the filters of a block find its text. No template can spell it.
inline constexpr std::string_view block_text = "(block)";

}  // namespace halcyon::jinja

// Walks the tree of a template: interpreter.cpp runs statements, evaluate.cpp expressions.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "template/ast.h"
#include "template/runtime.h"

namespace halcyon::jinja {

/// The names of one block. Blocks see the names of the blocks they are written in.
struct Scope {
  Scope* parent = nullptr;
  Dict names;
  bool captured = false;  ///< a macro or a recursive loop needs it after its block

  const Value* find(Runtime& rt, std::string_view name) const;
};

class Interpreter {
 public:
  explicit Interpreter(Runtime& rt) : rt_(rt) {}

  /// Renders the template. Errors start with "line N: ".
  Result<std::string> render(const Ast& ast, Dict context);

  /// Calls a macro that was defined in the scope `closure`: its text.
  Result<Value> call_macro(const MacroDefinition& macro, Scope& closure, const Arguments& arguments);

  /// Calls `loop(iterable)` of a recursive loop.
  Result<Value> recurse(const For& node, Scope& scope, const Value& iterable, int loop_depth);

 private:
  enum class Flow { next, break_loop, continue_loop };

  /// A block's scope: made the current one, and given back when the block ends.
  class Block {
   public:
    Block(Interpreter& interpreter, Scope& parent);
    ~Block();
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;
    Scope& scope() { return *scope_; }
    void renew();  ///< an empty scope again, for the next iteration

   private:
    Interpreter& interpreter_;
    Scope* outer_;
    Scope* scope_;
  };

  // interpreter.cpp
  Result<Flow> run(const Body& body);
  Result<Flow> run_one(const Statement& statement);
  Result<Flow> exec(const Text& node);
  Result<Flow> exec(const Output& node);
  Result<Flow> exec(const If& node);
  Result<Flow> exec(const For& node);
  Result<Flow> exec(const Break& node);
  Result<Flow> exec(const Continue& node);
  Result<Flow> exec(const Set& node);
  Result<Flow> exec(const BlockValue& node);
  Result<Flow> exec(const With& node);
  Result<Flow> exec(const Macro& node);
  Result<Flow> exec(const CallBlock& node);
  Result<Flow> exec(const Do& node);
  Result<Flow> loop(const For& node, const Value& iterable, int loop_depth);
  Result<std::vector<Value>> loop_items(const For& node, const Value& iterable);
  Result<void> assign(const Target& target, const Value& value);
  Result<void> write(std::string_view text);
  Result<void> write(const Value& value);
  Result<Value> captured(const Body& body);  ///< what the body prints, in the current scope
  void capture();  ///< keeps the current scope, and those around it, for as long as the render
  Value make_macro(const MacroDefinition& definition);

  // evaluate.cpp
  Result<Value> eval(const Expression& expression);
  Result<Value> eval_node(const Literal& node);
  Result<Value> eval_node(const Name& node);
  Result<Value> eval_node(const ListLiteral& node);
  Result<Value> eval_node(const DictLiteral& node);
  Result<Value> eval_node(const Unary& node);
  Result<Value> eval_node(const Binary& node);
  Result<Value> eval_node(const Comparison& node);
  Result<Value> eval_node(const Conditional& node);
  Result<Value> eval_node(const AttributeOf& node);
  Result<Value> eval_node(const ItemOf& node);
  Result<Value> eval_node(const SliceOf& node);
  Result<Value> eval_node(const Call& node);
  Result<Value> eval_node(const FilterCall& node);
  Result<Value> eval_node(const TestCall& node);
  Result<Value> eval_or_none(const ExpressionPtr& expression);
  Result<bool> compare(CompareOp op, const Value& left, const Value& right);
  Result<Arguments> eval_arguments(const CallArguments& arguments);
  Result<Value> call(const Value& callee, const Arguments& arguments);

  struct Level {
    int& depth;
    explicit Level(int& d) : depth(++d) {}
    ~Level() { --depth; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
  };

  Result<void> check_limits() const;

  /// What `visit` makes of a node, if the limits allow. Remembers the line of the innermost node that fails.
  template <class T, class Visit>
  Result<T> within_limits(int line, Visit visit) {
    const Level level(depth_);
    rt_.charge(1);
    Result<T> result;
    if (auto ok = check_limits(); !ok)
      result = forward_error(ok);
    else
      result = visit();
    // What was cut short by a limit may have come to a wrong answer or to another error.
    if (auto ok = rt_.check(); !ok) result = forward_error(ok);
    if (!result && error_line_ == 0) error_line_ = line;
    return result;
  }

  Runtime& rt_;
  std::deque<Scope> scopes_;
  std::vector<Scope*> free_scopes_;
  Scope* scope_ = nullptr;
  std::string out_;
  int depth_ = 0;
  int error_line_ = 0;
};

}  // namespace halcyon::jinja

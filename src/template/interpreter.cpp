#include "template/interpreter.h"

#include <algorithm>

#include "base/quote.h"
#include "template/builtins.h"

namespace halcyon::jinja {
namespace {

/// A macro, or the body of a call block, as a value.
class MacroObject final : public Object {
 public:
  MacroObject(Interpreter& interpreter, const MacroDefinition& definition, Scope& closure)
      : interpreter_(interpreter), definition_(definition), closure_(closure), name_(definition.name) {}

  std::string_view type_name() const override { return "macro"; }
  bool callable() const override { return true; }
  const Value* attribute(Runtime&, std::string_view name) override {
    return name == "name" ? &name_ : nullptr;
  }
  Result<Value> call(Runtime&, const Arguments& arguments) override {
    return interpreter_.call_macro(definition_, closure_, arguments);
  }
  std::string to_string() const override { return fmt::format("<Macro '{}'>", definition_.name); }

 private:
  Interpreter& interpreter_;
  const MacroDefinition& definition_;
  Scope& closure_;
  Value name_;
};

/// The variable `loop`. One object serves all iterations of a loop.
class LoopObject final : public Object {
 public:
  LoopObject(Interpreter& interpreter, const For& node, Scope& scope, std::vector<Value> values, int depth)
      : items(std::move(values)), interpreter_(interpreter), node_(node), scope_(scope), depth_(depth) {}

  std::vector<Value> items;
  size_t index = 0;

  std::string_view type_name() const override { return "loop"; }
  bool callable() const override { return node_.recursive; }
  const Value* attribute(Runtime& rt, std::string_view name) override;
  Result<Value> call(Runtime& rt, const Arguments& arguments) override {
    if (!node_.recursive) return fail("only a loop marked 'recursive' can be called");
    TRY(const Bound bound, bind("loop", arguments, {"iterable"}, 1));
    rt.charge(1);
    return interpreter_.recurse(node_, scope_, *bound[0], depth_ + 1);
  }

 private:
  /// `loop.cycle(a, b, …)` and `loop.changed(…)`, which need the loop.
  class Helper final : public Object {
   public:
    Helper(LoopObject& owner, bool cycles) : owner_(owner), cycles_(cycles) {}
    std::string_view type_name() const override { return "method"; }
    bool callable() const override { return true; }
    Result<Value> call(Runtime& rt, const Arguments& arguments) override {
      const std::vector<Value>& values = arguments.positional;
      if (cycles_) {
        if (values.empty()) return fail("loop.cycle needs at least one value");
        return values[owner_.index % values.size()];
      }
      List* now = rt.list(values);
      List* before = std::exchange(owner_.last_seen_, now);
      return Value(!before || !equal(rt, Value(before), Value(now)));
    }

   private:
    LoopObject& owner_;
    bool cycles_;
  };

  Interpreter& interpreter_;
  const For& node_;
  Scope& scope_;
  int depth_;  ///< from 0
  List* last_seen_ = nullptr;
  Value attribute_;  ///< the last attribute asked for
};

const Value* LoopObject::attribute(Runtime& rt, std::string_view name) {
  const size_t n = items.size();
  const auto undefined = [](std::string_view which) {
    return Value(Undefined{which == "previtem" ? "there is no previous item" : "there is no next item"});
  };
  if (name == "index")
    attribute_ = Value(index + 1);
  else if (name == "index0")
    attribute_ = Value(index);
  else if (name == "revindex")
    attribute_ = Value(n - index);
  else if (name == "revindex0")
    attribute_ = Value(n - index - 1);
  else if (name == "first")
    attribute_ = Value(index == 0);
  else if (name == "last")
    attribute_ = Value(index + 1 == n);
  else if (name == "length")
    attribute_ = Value(n);
  else if (name == "depth")
    attribute_ = Value(depth_ + 1);
  else if (name == "depth0")
    attribute_ = Value(depth_);
  else if (name == "previtem")
    attribute_ = index > 0 ? items[index - 1] : undefined(name);
  else if (name == "nextitem")
    attribute_ = index + 1 < n ? items[index + 1] : undefined(name);
  else if (name == "cycle" || name == "changed")
    attribute_ = Value(static_cast<Object*>(rt.object<Helper>(*this, name == "cycle")));
  else
    return nullptr;
  return &attribute_;
}

}  // namespace

const Value* Scope::find(Runtime& rt, std::string_view name) const {
  for (const Scope* scope = this; scope; scope = scope->parent)
    if (const Value* value = scope->names.find(rt, Value(name))) return value;
  return nullptr;
}

Interpreter::Block::Block(Interpreter& interpreter, Scope& parent)
    : interpreter_(interpreter), outer_(interpreter.scope_), scope_(nullptr) {
  if (interpreter.free_scopes_.empty()) {
    interpreter.rt_.charge(2);
    scope_ = &interpreter.scopes_.emplace_back();
  } else {
    scope_ = interpreter.free_scopes_.back();
    interpreter.free_scopes_.pop_back();
  }
  scope_->parent = &parent;
  interpreter.scope_ = scope_;
}

Interpreter::Block::~Block() {
  interpreter_.scope_ = outer_;
  if (scope_->captured) return;
  scope_->names.clear();
  interpreter_.free_scopes_.push_back(scope_);
}

void Interpreter::Block::renew() {
  if (!scope_->captured) {
    scope_->names.clear();
    return;
  }
  interpreter_.rt_.charge(2);
  Scope* parent = scope_->parent;
  scope_ = &interpreter_.scopes_.emplace_back();
  scope_->parent = parent;
  interpreter_.scope_ = scope_;
}

Result<std::string> Interpreter::render(const Ast& ast, Dict context) {
  scope_ = &scopes_.emplace_back();
  scope_->names = std::move(context);
  auto flow = run(ast.body);
  if (!flow) return fail("line {}: {}", error_line_, flow.error().message);
  return std::move(out_);
}

Result<Interpreter::Flow> Interpreter::run(const Body& body) {
  for (const Statement& statement : body) {
    TRY(const Flow flow, run_one(statement));
    if (flow != Flow::next) return flow;
  }
  return Flow::next;
}

Result<Interpreter::Flow> Interpreter::run_one(const Statement& statement) {
  return within_limits<Flow>(statement.line, [&] {
    return std::visit([this](const auto& node) { return exec(node); }, statement.node);
  });
}

Result<void> Interpreter::write(std::string_view text) {
  if (out_.size() + text.size() > limits::output_bytes)
    return fail("the output would exceed {} bytes", limits::output_bytes);
  rt_.charge_bytes(text.size());
  out_ += text;
  return {};
}

Result<void> Interpreter::write(const Value& value) {
  if (const auto* text = value.as<std::string_view>()) return write(*text);
  TRY(const std::string text, to_string(rt_, value));
  return write(text);
}

Result<Value> Interpreter::captured(const Body& body) {
  std::string outer = std::exchange(out_, {});
  auto flow = run(body);
  const std::string text = std::exchange(out_, std::move(outer));
  if (!flow) return forward_error(flow);
  return rt_.string(text);
}

Result<Interpreter::Flow> Interpreter::exec(const Text& node) {
  CHECK_OK(write(node.text));
  return Flow::next;
}

Result<Interpreter::Flow> Interpreter::exec(const Output& node) {
  TRY(const Value value, eval(*node.value));
  CHECK_OK(write(value));
  return Flow::next;
}

Result<Interpreter::Flow> Interpreter::exec(const If& node) {
  for (const auto& [condition, body] : node.branches) {
    TRY(const Value holds, eval(*condition));
    if (truthy(holds)) return run(body);
  }
  return run(node.otherwise);
}

Result<Interpreter::Flow> Interpreter::exec(const For& node) {
  TRY(const Value iterable, eval(*node.iterable));
  return loop(node, iterable, 0);
}

/// The items to loop over: those that the loop's condition holds for.
Result<std::vector<Value>> Interpreter::loop_items(const For& node, const Value& iterable) {
  TRY(std::vector<Value> items, iterate(rt_, iterable));
  if (!node.condition) return items;
  Block block(*this, *scope_);
  std::vector<Value> kept;
  for (const Value& item : items) {
    block.renew();
    CHECK_OK(assign(node.target, item));
    TRY(const Value holds, eval(*node.condition));
    if (truthy(holds)) kept.push_back(item);
  }
  return kept;
}

Result<Interpreter::Flow> Interpreter::loop(const For& node, const Value& iterable, int loop_depth) {
  TRY(std::vector<Value> items, loop_items(node, iterable));
  if (items.empty()) return run(node.otherwise);
  if (node.recursive) capture();
  LoopObject* loop = rt_.object<LoopObject>(*this, node, *scope_, std::move(items), loop_depth);
  Block block(*this, *scope_);
  for (; loop->index < loop->items.size(); ++loop->index) {
    block.renew();
    rt_.charge(1);
    block.scope().names.set(rt_, Value(std::string_view("loop")), Value(static_cast<Object*>(loop)));
    CHECK_OK(assign(node.target, loop->items[loop->index]));
    TRY(const Flow flow, run(node.body));
    if (flow == Flow::break_loop) break;
    CHECK_OK(check_limits());
  }
  return Flow::next;
}

Result<Value> Interpreter::recurse(const For& node, Scope& scope, const Value& iterable, int loop_depth) {
  const Level level(depth_);
  CHECK_OK(check_limits());
  std::string outer = std::exchange(out_, {});
  Block block(*this, scope);
  auto flow = loop(node, iterable, loop_depth);
  const std::string text = std::exchange(out_, std::move(outer));
  if (!flow) return forward_error(flow);
  return rt_.string(text);
}

Result<Interpreter::Flow> Interpreter::exec(const Break&) { return Flow::break_loop; }
Result<Interpreter::Flow> Interpreter::exec(const Continue&) { return Flow::continue_loop; }

Result<void> Interpreter::assign(const Target& target, const Value& value) {
  if (!target.parts.empty()) {
    TRY(const std::vector<Value> values, iterate(rt_, value));
    if (values.size() != target.parts.size())
      return fail("cannot unpack {} values into {} names", values.size(), target.parts.size());
    for (size_t i = 0; i < values.size(); ++i) CHECK_OK(assign(target.parts[i], values[i]));
    return {};
  }
  if (target.attribute.empty()) {
    rt_.charge(1);
    scope_->names.set(rt_, Value(target.name), value);
    return {};
  }
  const Value* object = scope_->find(rt_, target.name);
  auto* ns = object && object->object() ? dynamic_cast<Namespace*>(object->object()) : nullptr;
  if (!ns) return fail("cannot set an attribute of {}: it is no namespace", quote(target.name));
  rt_.charge(1);
  ns->values.set(rt_, Value(target.attribute), value);
  return {};
}

Result<Interpreter::Flow> Interpreter::exec(const Set& node) {
  TRY(const Value value, eval(*node.value));
  CHECK_OK(assign(node.target, value));
  return Flow::next;
}

Result<Interpreter::Flow> Interpreter::exec(const BlockValue& node) {
  Value value;
  {
    Block block(*this, *scope_);
    TRY(const Value text, captured(node.body));
    block.scope().names.set(rt_, Value(block_text), text);
    TRY(value, eval(*node.filters));
  }
  if (node.target)
    CHECK_OK(assign(*node.target, value));
  else
    CHECK_OK(write(value));
  return Flow::next;
}

Result<Interpreter::Flow> Interpreter::exec(const With& node) {
  Scope& outer = *scope_;
  Block block(*this, outer);
  for (const auto& [target, expression] : node.variables) {
    scope_ = &outer;  // the values do not see each other
    auto value = eval(*expression);
    scope_ = &block.scope();
    if (!value) return forward_error(value);
    CHECK_OK(assign(target, *value));
  }
  return run(node.body);
}

void Interpreter::capture() {
  for (Scope* scope = scope_; scope && !scope->captured; scope = scope->parent) scope->captured = true;
}

Value Interpreter::make_macro(const MacroDefinition& definition) {
  capture();
  return Value(static_cast<Object*>(rt_.object<MacroObject>(*this, definition, *scope_)));
}

Result<Interpreter::Flow> Interpreter::exec(const Macro& node) {
  scope_->names.set(rt_, Value(node.definition->name), make_macro(*node.definition));
  return Flow::next;
}

Result<Interpreter::Flow> Interpreter::exec(const CallBlock& node) {
  const Call& expression = std::get<Call>(node.call->node);
  TRY(const Value callee, eval(*expression.callee));
  TRY(Arguments arguments, eval_arguments(expression.arguments));
  arguments.named.emplace_back("caller", make_macro(*node.caller));
  TRY(const Value result, call(callee, arguments));
  CHECK_OK(write(result));
  return Flow::next;
}

Result<Interpreter::Flow> Interpreter::exec(const Do& node) {
  const auto value = eval(*node.value);
  if (!value) return std::unexpected(value.error());
  return Flow::next;
}

Result<Value> Interpreter::call_macro(const MacroDefinition& macro, Scope& closure,
                                      const Arguments& arguments) {
  const Level level(depth_);
  CHECK_OK(check_limits());
  const size_t n = macro.parameters.size();
  if (arguments.positional.size() > n && !macro.uses_varargs)
    return fail("the macro {} takes {} argument{}, {} given", quote(macro.name), n, n == 1 ? "" : "s",
                arguments.positional.size());

  Block block(*this, closure);
  std::vector<const Value*> given(n);
  for (size_t i = 0; i < std::min(n, arguments.positional.size()); ++i) given[i] = &arguments.positional[i];
  Dict* kwargs = macro.uses_kwargs ? rt_.dict() : nullptr;
  Value caller(Undefined{"the macro was not called by a call block"});
  for (const auto& [name, value] : arguments.named) {
    rt_.charge(n);
    const auto parameter = std::find_if(macro.parameters.begin(), macro.parameters.end(),
                                        [&](const Parameter& p) { return p.name == name; });
    if (parameter != macro.parameters.end()) {
      const Value*& slot = given[static_cast<size_t>(parameter - macro.parameters.begin())];
      if (slot) return fail("the macro {} got {} twice", quote(macro.name), quote(name));
      slot = &value;
    } else if (name == "caller" && macro.uses_caller) {
      caller = value;
    } else if (kwargs) {
      kwargs->set(rt_, Value(name), value);
    } else {
      return fail("the macro {} has no parameter {}", quote(macro.name), quote(name));
    }
  }
  for (size_t i = 0; i < n; ++i) {
    const Parameter& parameter = macro.parameters[i];
    if (given[i]) {
      block.scope().names.set(rt_, Value(parameter.name), *given[i]);
    } else if (parameter.fallback) {
      TRY(const Value value, eval(*parameter.fallback));
      block.scope().names.set(rt_, Value(parameter.name), value);
    } else {
      const Value message = rt_.string(fmt::format("parameter {} was not provided", quote(parameter.name)));
      block.scope().names.set(rt_, Value(parameter.name), Value(Undefined{*message.as<std::string_view>()}));
    }
  }
  if (macro.uses_varargs) {
    std::vector<Value> rest;
    for (size_t i = n; i < arguments.positional.size(); ++i) rest.push_back(arguments.positional[i]);
    block.scope().names.set(rt_, Value(std::string_view("varargs")),
                            Value(rt_.list(std::move(rest), List::Form::tuple)));
  }
  if (kwargs) block.scope().names.set(rt_, Value(std::string_view("kwargs")), Value(kwargs));
  if (macro.uses_caller) block.scope().names.set(rt_, Value(std::string_view("caller")), caller);
  return captured(macro.body);
}

}  // namespace halcyon::jinja

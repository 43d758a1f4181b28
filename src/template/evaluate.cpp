#include "base/quote.h"
#include "template/builtins.h"
#include "template/interpreter.h"
#include "template/operators.h"

namespace halcyon::jinja {

Result<void> Interpreter::check_limits() const {
  if (depth_ > limits::render_depth)
    return fail("calls and blocks are nested more than {} deep", limits::render_depth);
  return rt_.check();
}

Result<Value> Interpreter::eval(const Expression& expression) {
  return within_limits<Value>(expression.line, [&] {
    return std::visit([this](const auto& node) { return eval_node(node); }, expression.node);
  });
}

Result<Value> Interpreter::eval_or_none(const ExpressionPtr& expression) {
  if (!expression) return Value(None{});
  return eval(*expression);
}

Result<Value> Interpreter::eval_node(const Literal& node) { return node.value; }

Result<Value> Interpreter::eval_node(const Name& node) {
  if (const Value* value = scope_->find(rt_, node.name)) return *value;
  if (const Value* value = find_global(node.name)) return *value;
  const Value message = rt_.string(fmt::format("{} is undefined", quote(node.name)));
  return Value(Undefined{*message.as<std::string_view>()});
}

Result<Value> Interpreter::eval_node(const ListLiteral& node) {
  std::vector<Value> items;
  items.reserve(node.items.size());
  for (const ExpressionPtr& item : node.items) {
    TRY(const Value value, eval(*item));
    items.push_back(value);
  }
  return Value(rt_.list(std::move(items), node.tuple ? List::Form::tuple : List::Form::list));
}

Result<Value> Interpreter::eval_node(const DictLiteral& node) {
  Dict* dict = rt_.dict();
  for (const auto& [key_expression, value_expression] : node.entries) {
    TRY(const Value key, eval(*key_expression));
    CHECK_OK(check_key(rt_, key));
    TRY(const Value value, eval(*value_expression));
    dict->set(rt_, key, value);
  }
  return Value(dict);
}

Result<Value> Interpreter::eval_node(const Unary& node) {
  TRY(const Value value, eval(*node.operand));
  if (node.op == UnaryOp::logical_not) return Value(!truthy(value));
  if (node.op == UnaryOp::minus) return negate(value);
  if (is_integral(value)) return Value(integer_of(value));
  if (value.is<double>()) return value;
  return fail("'+' needs a number, not '{}'", type_name(value));
}

Result<Value> Interpreter::eval_node(const Binary& node) {
  TRY(const Value left, eval(*node.left));
  if (node.op == BinaryOp::logical_and && !truthy(left)) return left;
  if (node.op == BinaryOp::logical_or && truthy(left)) return left;
  TRY(const Value right, eval(*node.right));
  switch (node.op) {
    case BinaryOp::add:
      return add(rt_, left, right);
    case BinaryOp::subtract:
      return subtract(left, right);
    case BinaryOp::multiply:
      return multiply(rt_, left, right);
    case BinaryOp::divide:
      return divide(left, right);
    case BinaryOp::floor_divide:
      return floor_divide(left, right);
    case BinaryOp::modulo:
      return modulo(rt_, left, right);
    case BinaryOp::power:
      return power(left, right);
    case BinaryOp::concat:
      return concat(rt_, left, right);
    case BinaryOp::logical_and:
    case BinaryOp::logical_or:
      break;
  }
  return right;
}

Result<bool> Interpreter::compare(CompareOp op, const Value& left, const Value& right) {
  switch (op) {
    case CompareOp::eq:
      return equal(rt_, left, right);
    case CompareOp::ne:
      return !equal(rt_, left, right);
    case CompareOp::lt:
      return less(rt_, left, right);
    case CompareOp::gt:
      return less(rt_, right, left);
    case CompareOp::in:
      return contains(rt_, right, left);
    case CompareOp::le:
    case CompareOp::ge: {
      const bool swapped = op == CompareOp::ge;
      TRY(const bool below, less(rt_, swapped ? right : left, swapped ? left : right));
      return below || equal(rt_, left, right);
    }
    case CompareOp::not_in: {
      TRY(const bool found, contains(rt_, right, left));
      return !found;
    }
  }
  return false;
}

Result<Value> Interpreter::eval_node(const Comparison& node) {
  TRY(Value left, eval(*node.first));
  for (const auto& [op, operand] : node.rest) {
    TRY(const Value right, eval(*operand));
    TRY(const bool holds, compare(op, left, right));
    if (!holds) return Value(false);
    left = right;
  }
  return Value(true);
}

Result<Value> Interpreter::eval_node(const Conditional& node) {
  TRY(const Value condition, eval(*node.condition));
  if (truthy(condition)) return eval(*node.then);
  if (node.otherwise) return eval(*node.otherwise);
  return Value(Undefined{"the condition is false and there is no 'else'"});
}

Result<Value> Interpreter::eval_node(const AttributeOf& node) {
  TRY(const Value object, eval(*node.object));
  return attribute(rt_, object, node.name);
}

Result<Value> Interpreter::eval_node(const ItemOf& node) {
  TRY(const Value object, eval(*node.object));
  TRY(const Value key, eval(*node.key));
  return item(rt_, object, key);
}

Result<Value> Interpreter::eval_node(const SliceOf& node) {
  TRY(const Value object, eval(*node.object));
  TRY(const Value start, eval_or_none(node.start));
  TRY(const Value stop, eval_or_none(node.stop));
  TRY(const Value step, eval_or_none(node.step));
  return slice(rt_, object, start, stop, step);
}

Result<Value> Interpreter::eval_node(const Call& node) {
  TRY(const Value callee, eval(*node.callee));
  TRY(const Arguments arguments, eval_arguments(node.arguments));
  return call(callee, arguments);
}

Result<Value> Interpreter::call(const Value& callee, const Arguments& arguments) {
  if (const auto* undefined = callee.as<Undefined>()) return fail("{}", undefined->message);
  if (!callee.object()) return fail("'{}' object is not callable", type_name(callee));
  return callee.object()->call(rt_, arguments);
}

Result<Value> Interpreter::eval_node(const FilterCall& node) {
  TRY(const Value subject, eval(*node.subject));
  if (!node.filter) return fail("there is no filter named {}", quote(node.name));
  TRY(const Arguments arguments, eval_arguments(node.arguments));
  CHECK_OK(rt_.charge_call(subject, arguments));
  return node.filter(rt_, subject, arguments);
}

Result<Value> Interpreter::eval_node(const TestCall& node) {
  TRY(const Value subject, eval(*node.subject));
  if (!node.test) return fail("there is no test named {}", quote(node.name));
  TRY(const Arguments arguments, eval_arguments(node.arguments));
  CHECK_OK(rt_.charge_call(subject, arguments));
  TRY(const bool holds, node.test(rt_, subject, arguments));
  return Value(holds != node.negated);
}

Result<Arguments> Interpreter::eval_arguments(const CallArguments& from) {
  Arguments arguments;
  for (const ExpressionPtr& argument : from.positional) {
    TRY(const Value value, eval(*argument));
    arguments.positional.push_back(value);
  }
  for (const auto& [name, argument] : from.named) {
    TRY(const Value value, eval(*argument));
    arguments.named.emplace_back(name, value);
  }
  if (from.splat) {
    TRY(const Value splat, eval(*from.splat));
    TRY(const std::vector<Value> values, iterate(rt_, splat));
    arguments.positional.insert(arguments.positional.end(), values.begin(), values.end());
  }
  if (from.named_splat) {
    TRY(const Value splat, eval(*from.named_splat));
    if (!splat.dict()) return fail("'**' needs a dict, not '{}'", type_name(splat));
    CHECK_OK(rt_.reserve_items(static_cast<Int>(splat.dict()->size())));
    for (const auto& [key, value] : splat.dict()->entries()) {
      if (!key.is<std::string_view>()) return fail("'**' needs strings as keys, not '{}'", type_name(key));
      arguments.named.emplace_back(*key.as<std::string_view>(), value);
    }
  }
  return arguments;
}

}  // namespace halcyon::jinja

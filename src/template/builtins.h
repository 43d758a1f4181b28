// What templates can call without defining it: filters, tests, methods of values and global functions.
#pragma once

#include <string_view>

#include "template/runtime.h"
#include "template/value.h"

namespace halcyon::jinja {

using FilterFunction = Result<Value> (*)(Runtime& rt, const Value& subject, const Arguments& arguments);
using TestFunction = Result<bool> (*)(Runtime& rt, const Value& subject, const Arguments& arguments);
using MethodFunction = Result<Value> (*)(Runtime& rt, const Value& self, const Arguments& arguments);

/// nullptr if there is no such filter or test.
FilterFunction find_filter(std::string_view name);
TestFunction find_test(std::string_view name);

/// A method of a string, list or dict; nullptr if its type has none of that name.
MethodFunction find_method(const Value& self, std::string_view name);

/// A global function or constant; nullptr if there is none.
const Value* find_global(std::string_view name);

/// The filters are spread over files by what they work on.
FilterFunction find_text_filter(std::string_view name);
FilterFunction find_sequence_filter(std::string_view name);

MethodFunction find_string_method(std::string_view name);
MethodFunction find_container_method(const Value& self, std::string_view name);

/// What a filter and a method of the same name share.
Result<Value> replaced(Runtime& rt, std::string_view text, std::string_view from, std::string_view to,
                       Int count);
Result<Value> centered(Runtime& rt, std::string_view text, Int width, std::string_view fill);

/// A function as a value.
class Function final : public Object {
 public:
  using Body = Result<Value> (*)(Runtime& rt, const Arguments& arguments);
  Function(std::string_view name, Body body) : name_(name), body_(body) {}
  std::string_view name() const { return name_; }
  std::string_view type_name() const override { return "function"; }
  bool callable() const override { return true; }
  Result<Value> call(Runtime& rt, const Arguments& arguments) override { return body_(rt, arguments); }
  std::string to_string() const override { return fmt::format("<function {}>", name_); }

 private:
  std::string_view name_;
  Body body_;
};

}  // namespace halcyon::jinja

// Global functions.
#include <unordered_map>

#include "template/builtins.h"
#include "template/format.h"

namespace halcyon::jinja {
namespace {

Result<void> copy_entries(Runtime& rt, Dict& to, const Arguments& arguments, std::string_view function) {
  if (arguments.positional.size() > 1) return fail("{} takes at most one positional argument", function);
  if (!arguments.positional.empty()) {
    const Value& from = arguments.positional[0];
    if (const Dict* dict = from.dict()) {
      CHECK_OK(rt.reserve_items(static_cast<Int>(dict->size())));
      for (const auto& [key, value] : dict->entries()) to.set(rt, key, value);
    } else {
      TRY(const std::vector<Value> pairs, iterate(rt, from));
      for (const Value& pair : pairs) {
        TRY(const std::vector<Value> parts, iterate(rt, pair));
        if (parts.size() != 2) return fail("{} needs a dict or a list of pairs", function);
        CHECK_OK(check_key(rt, parts[0]));
        to.set(rt, parts[0], parts[1]);
      }
    }
  }
  for (const auto& [name, value] : arguments.named) to.set(rt, Value(name), value);
  return {};
}

Result<Value> make_namespace(Runtime& rt, const Arguments& arguments) {
  auto* made = rt.object<Namespace>();
  CHECK_OK(copy_entries(rt, made->values, arguments, "namespace"));
  return Value(static_cast<Object*>(made));
}

Result<Value> make_dict(Runtime& rt, const Arguments& arguments) {
  Dict* made = rt.dict();
  CHECK_OK(copy_entries(rt, *made, arguments, "dict"));
  return Value(made);
}

Result<Value> range(Runtime& rt, const Arguments& arguments) {
  TRY(const Bound bound, bind("range", arguments, {"start", "stop", "step"}, 1));
  TRY(Int start, bound.integer_or(0, 0));
  TRY(Int stop, bound.integer_or(1, 0));
  TRY(const Int step, bound.integer_or(2, 1));
  if (!bound[1]) stop = std::exchange(start, 0);
  if (step == 0) return fail("range: 'step' cannot be 0");
  std::vector<Value> items;
  const Int count = step > 0 ? (stop - start + step - 1) / step : (stop - start + step + 1) / step;
  CHECK_OK(rt.reserve_items(count));
  for (Int i = 0; i < count; ++i) items.emplace_back(start + i * step);
  return Value(rt.list(std::move(items)));
}

Result<Value> raise_exception(Runtime& rt, const Arguments& arguments) {
  TRY(const Bound bound, bind("raise_exception", arguments, {"message"}, 1));
  TRY(const std::string message, to_string(rt, *bound[0]));
  return fail("raised by the template: {}", message);
}

Result<Value> strftime_now(Runtime& rt, const Arguments& arguments) {
  TRY(const Bound bound, bind("strftime_now", arguments, {"format"}, 1));
  TRY(const std::string_view format, bound.string(0));
  TRY(const std::string text, format_time(format, rt.now()));
  return rt.string(text);
}

/// `cycler(a, b, …)`: `next()` gives one after the other.
class Cycler final : public Object {
 public:
  explicit Cycler(std::vector<Value> values) : values_(std::move(values)) {}
  std::string_view type_name() const override { return "cycler"; }
  const Value* attribute(Runtime& rt, std::string_view name) override {
    if (name == "current") return &values_[at_];
    if (name != "next" && name != "reset") return nullptr;
    method_ = Value(static_cast<Object*>(rt.object<Step>(*this, name == "next")));
    return &method_;
  }

 private:
  class Step final : public Object {
   public:
    Step(Cycler& owner, bool advances) : owner_(owner), advances_(advances) {}
    std::string_view type_name() const override { return "method"; }
    bool callable() const override { return true; }
    Result<Value> call(Runtime&, const Arguments&) override {
      const Value current = owner_.values_[owner_.at_];
      owner_.at_ = advances_ ? (owner_.at_ + 1) % owner_.values_.size() : 0;
      return advances_ ? current : Value(None{});
    }

   private:
    Cycler& owner_;
    bool advances_;
  };

  std::vector<Value> values_;
  size_t at_ = 0;
  Value method_;
};

Result<Value> make_cycler(Runtime& rt, const Arguments& arguments) {
  if (arguments.positional.empty()) return fail("cycler needs at least one value");
  return Value(static_cast<Object*>(rt.object<Cycler>(arguments.positional)));
}

/// `joiner(", ")`: nothing when first called, then the separator.
class Joiner final : public Object {
 public:
  explicit Joiner(Value separator) : separator_(separator) {}
  std::string_view type_name() const override { return "joiner"; }
  bool callable() const override { return true; }
  Result<Value> call(Runtime&, const Arguments&) override {
    return std::exchange(used_, true) ? separator_ : Value(std::string_view());
  }

 private:
  Value separator_;
  bool used_ = false;
};

Result<Value> make_joiner(Runtime& rt, const Arguments& arguments) {
  TRY(const Bound bound, bind("joiner", arguments, {"sep"}));
  return Value(static_cast<Object*>(rt.object<Joiner>(bound[0] ? *bound[0] : Value(std::string_view(", ")))));
}

Function functions[] = {{"namespace", make_namespace},
                        {"dict", make_dict},
                        {"range", range},
                        {"raise_exception", raise_exception},
                        {"strftime_now", strftime_now},
                        {"cycler", make_cycler},
                        {"joiner", make_joiner}};

}  // namespace

const Value* find_global(std::string_view name) {
  static const auto globals = [] {
    std::unordered_map<std::string_view, Value> map;
    for (Function& function : functions) map.emplace(function.name(), Value(static_cast<Object*>(&function)));
    return map;
  }();
  const auto found = globals.find(name);
  return found == globals.end() ? nullptr : &found->second;
}

}  // namespace halcyon::jinja

// The memory and the budget of one render.
#pragma once

#include <array>
#include <ctime>
#include <deque>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "template/limits.h"
#include "template/value.h"

namespace halcyon::jinja {

class Runtime {
 public:
  explicit Runtime(const std::tm& now) : now_(now) {}
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  const std::tm& now() const { return now_; }

  /// Counts work. What is spent too much ends the render when the current node is done; see `check`.
  void charge(size_t steps) { steps_ += steps; }
  void charge_bytes(size_t bytes) { steps_ += bytes / limits::bytes_per_step; }
  bool exhausted() const { return steps_ > limits::steps; }
  Result<void> check() const;

  /// Counts the text that a filter, test or method is given, before it reads that.
  Result<void> charge_call(const Value& subject, const Arguments& arguments);

  /// Counts a string about to be made, or fails if the limits have no room for it.
  Result<void> reserve(Int bytes);
  /// The same for a list of so many elements.
  Result<void> reserve_items(Int count);

  Value string(std::string_view text);                          ///< a copy that lives as long as the render
  Value concat(std::string_view left, std::string_view right);  ///< in place where `left` was made last
  List* list(List::Form form = List::Form::list);
  List* list(std::vector<Value> items, List::Form form = List::Form::list);
  Dict* dict();
  template <class T, class... Args>
  T* object(Args&&... args) {
    charge(4);
    auto made = std::make_unique<T>(std::forward<Args>(args)...);
    T* raw = made.get();
    objects_.push_back(std::move(made));
    return raw;
  }

 private:
  char* allocate(size_t bytes);

  std::tm now_;
  size_t steps_ = 0;
  std::vector<std::unique_ptr<char[]>> chunks_;
  char* free_ = nullptr;  ///< the unused rest of the last chunk
  size_t room_ = 0;
  std::deque<List> lists_;
  std::deque<Dict> dicts_;
  std::vector<std::unique_ptr<Object>> objects_;
};

/// The elements that iterating over a value gives: characters, elements, keys; none for undefined.
Result<std::vector<Value>> iterate(Runtime& rt, const Value& value);

/// The arguments of a builtin in the order of its parameters, however they were given.
class Bound {
 public:
  /// The argument, or nullptr if it was not given.
  const Value* operator[](size_t i) const { return values_[i]; }

  bool truthy_or(size_t i, bool fallback) const { return values_[i] ? truthy(*values_[i]) : fallback; }
  /// Clamped to 64 bits, so that callers can calculate with it; no builtin tells larger numbers apart.
  Result<Int> integer_or(size_t i, Int fallback) const;
  Result<std::string_view> string(size_t i) const;  ///< fails if it is missing too
  Result<std::string_view> string_or(size_t i, std::string_view fallback) const;

 private:
  friend Result<Bound> bind(std::string_view, const Arguments&, std::initializer_list<std::string_view>,
                            size_t);
  std::string_view function_;
  std::array<std::string_view, 6> names_;
  std::array<const Value*, 6> values_{};
};

/// Matches a call with the parameters `names`, of which the first `required` must be there.
/// The arguments must outlive what is returned.
Result<Bound> bind(std::string_view function, const Arguments& arguments,
                   std::initializer_list<std::string_view> names, size_t required = 0);

}  // namespace halcyon::jinja

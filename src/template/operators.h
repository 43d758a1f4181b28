// What operators, indices and attributes mean, as in Python, with Jinja's undefined where something is not
// there.
#pragma once

#include <string_view>

#include "base/result.h"
#include "template/runtime.h"
#include "template/value.h"

namespace halcyon::jinja {

Result<Value> add(Runtime& rt, const Value& a, const Value& b);
Result<Value> subtract(const Value& a, const Value& b);
Result<Value> multiply(Runtime& rt, const Value& a, const Value& b);
Result<Value> divide(const Value& a, const Value& b);
Result<Value> floor_divide(const Value& a, const Value& b);
Result<Value> modulo(Runtime& rt, const Value& a, const Value& b);  ///< also formats: "%s" % x
Result<Value> power(const Value& a, const Value& b);
Result<Value> negate(const Value& a);

/// `a ~ b`: both as text.
Result<Value> concat(Runtime& rt, const Value& a, const Value& b);

/// `item in container`.
Result<bool> contains(Runtime& rt, const Value& container, const Value& item);

/// `object.name`: a method, an attribute or an item, else undefined.
Result<Value> attribute(Runtime& rt, const Value& object, std::string_view name);

/// `object[key]`: an item, else what `object.key` is.
Result<Value> item(Runtime& rt, const Value& object, const Value& key);

/// `object[start:stop:step]`; parts that are not given are none.
Result<Value> slice(Runtime& rt, const Value& object, const Value& start, const Value& stop,
                    const Value& step);

}  // namespace halcyon::jinja

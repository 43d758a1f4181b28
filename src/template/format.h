// Python's two ways to fill in text: "%s" % x and "{}".format(x). Also the formats of dates.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "base/result.h"
#include "template/runtime.h"
#include "template/value.h"

namespace halcyon::jinja {

/// printf-style: `pattern % values`, where values is a tuple, a dict for %(name)s, or the only value.
Result<std::string> format_percent(Runtime& rt, std::string_view pattern, const Value& values);

/// `pattern.format(…)` with {}, {0}, {name}, their attributes and items, and format specifications.
Result<std::string> format_braces(Runtime& rt, std::string_view pattern, const Arguments& arguments);

/// C's strftime, without time zone names.
Result<std::string> format_time(std::string_view pattern, const std::tm& time);

}  // namespace halcyon::jinja

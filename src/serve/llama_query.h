// What the target of a request says besides its path.
#pragma once

#include <string>
#include <string_view>

namespace halcyon::serve {

/// "a%20b" is "a b" (RFC 3986, section 2.1). A '%' that no two hexadecimal digits follow stays.
std::string percent_decode(std::string_view text);

/// The value of `name` in "a=1&b=2", decoded; empty if it is not there.
std::string query_value(std::string_view query, std::string_view name);

}  // namespace halcyon::serve

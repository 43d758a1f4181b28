// The forms in which the kernel writes what it knows.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace halcyon::devices {

/// Lines of `key SEPARATOR value`, white space around both dropped; lines without a separator are left out.
/// A separator of ' ' is the first white space.
std::vector<std::pair<std::string, std::string>> key_values(std::string_view text, char separator);

/// What white space separates.
std::vector<std::string> words(std::string_view text);

std::vector<std::string> lines(std::string_view text);

/// Whether version `a` is older than `b`: numbers in them are compared as numbers, the rest as text.
/// "6.18.4" is older than "6.18.10", "6.9" than "6.18", "7.2" than "7.2.1".
bool is_older(std::string_view a, std::string_view b);

}  // namespace halcyon::devices

#include "devices/text.h"

#include <algorithm>

namespace halcyon::devices {
namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n";

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(kWhiteSpace);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kWhiteSpace) - begin + 1);
}

std::vector<std::string> split(std::string_view text, std::string_view separators) {
  std::vector<std::string> parts;
  while (true) {
    const size_t begin = text.find_first_not_of(separators);
    if (begin == text.npos) return parts;
    const size_t end = std::min(text.find_first_of(separators, begin), text.size());
    parts.emplace_back(text.substr(begin, end - begin));
    text.remove_prefix(end);
  }
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Cuts the digits, or what are none, off the front.
std::string_view cut(std::string_view& text, bool digits) {
  const auto end = std::ranges::find_if(text, [&](char c) { return is_digit(c) != digits; });
  const auto size = static_cast<size_t>(end - text.begin());
  const std::string_view part = text.substr(0, size);
  text.remove_prefix(size);
  return part;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> key_values(std::string_view text, char separator) {
  std::vector<std::pair<std::string, std::string>> found;
  for (const std::string& line : lines(text)) {
    const std::string_view whole = trim(line);
    const size_t at = separator == ' ' ? whole.find_first_of(" \t") : whole.find(separator);
    if (at != whole.npos) found.emplace_back(trim(whole.substr(0, at)), trim(whole.substr(at + 1)));
  }
  return found;
}

std::vector<std::string> words(std::string_view text) { return split(text, kWhiteSpace); }
std::vector<std::string> lines(std::string_view text) { return split(text, "\n"); }

bool is_older(std::string_view a, std::string_view b) {
  for (bool digits = true; !a.empty() || !b.empty(); digits = !digits) {
    std::string_view x = cut(a, digits), y = cut(b, digits);
    if (digits) {
      x.remove_prefix(std::min(x.find_first_not_of('0'), x.size()));
      y.remove_prefix(std::min(y.find_first_not_of('0'), y.size()));
      if (x.size() != y.size()) return x.size() < y.size();
    }
    if (x != y) return x < y;
  }
  return false;
}

}  // namespace halcyon::devices

// Renders a template in one line of a test.
#pragma once

#include <ctime>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "template/template.h"

namespace halcyon::test {

/// 2026-06-23T09:30:00, a Tuesday.
inline std::tm fixed_time() {
  std::tm time{};
  time.tm_year = 126;
  time.tm_mon = 5;
  time.tm_mday = 23;
  time.tm_hour = 9;
  time.tm_min = 30;
  time.tm_wday = 2;
  time.tm_yday = 173;
  return time;
}

inline Result<std::string> render(std::string_view source,
                                  const nlohmann::ordered_json& context = nlohmann::ordered_json::object()) {
  auto parsed = jinja::Template::parse(source);
  if (!parsed) return std::unexpected(parsed.error());
  return parsed->render(context, {.now = fixed_time()});
}

}  // namespace halcyon::test

/// The template renders to `expected`. A third argument is the context.
#define EXPECT_RENDERS(source, expected, ...)                                         \
  do {                                                                                \
    const auto rendered = ::halcyon::test::render(source __VA_OPT__(, ) __VA_ARGS__); \
    EXPECT_TRUE(rendered.has_value()) << source << "\n" << rendered.error().message;  \
    if (rendered) {                                                                   \
      EXPECT_EQ(*rendered, expected) << source;                                       \
    }                                                                                 \
  } while (false)

// What is said on standard error, which may be closed, full or a terminal.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace halcyon::cli {

/// Opens what of standard input, output and error is closed, so that no file or socket takes its place and
/// gets what is written there. Using the first two goes on failing; diagnostics go nowhere. Call once, at the
/// start of main.
void occupy_standard_descriptors();

void vdiagnose(fmt::string_view format, fmt::format_args args) noexcept;

/// Writes to standard error. What can't be written is lost: it is no reason to stop.
template <class... Args>
void diagnose(fmt::format_string<Args...> format, Args&&... args) noexcept {
  vdiagnose(format, fmt::make_format_args(args...));
}

}  // namespace halcyon::cli

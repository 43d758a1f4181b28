// Errors are values: every function that can fail returns Result<T>. Nothing in Halcyon throws across a
// module border.
#pragma once

#include <fmt/format.h>

#include <expected>
#include <string>
#include <utility>

namespace halcyon {

/// What went wrong, where, and what to do about it, as one line for the user.
struct Error {
  std::string message;

  /// The same error seen from further out: "`where`: message".
  Error in(std::string_view where) && { return {fmt::format("{}: {}", where, message)}; }
};

template <class T>
using Result = std::expected<T, Error>;

/// A failed Result of any type: `return fail("{}: {} tensors, expected {}", path, n, m);`
template <class... Args>
[[nodiscard]] std::unexpected<Error> fail(fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(Error{fmt::format(format, std::forward<Args>(args)...)});
}

/// Passes on the error of a Result: `if (!x) return forward_error(x);`
template <class T>
[[nodiscard]] std::unexpected<Error> forward_error(Result<T>& result) {
  return std::unexpected(std::move(result.error()));
}

}  // namespace halcyon

#define HALCYON_CONCAT_(a, b) a##b
#define HALCYON_CONCAT(a, b) HALCYON_CONCAT_(a, b)

/// `TRY(auto file, open(path));` declares `file` with the value, or returns the error from the enclosing
/// function.
#define TRY(declaration, ...)                                                                           \
  auto HALCYON_CONCAT(try_, __LINE__) = (__VA_ARGS__);                                                  \
  if (!HALCYON_CONCAT(try_, __LINE__)) return ::halcyon::forward_error(HALCYON_CONCAT(try_, __LINE__)); \
  declaration = std::move(*HALCYON_CONCAT(try_, __LINE__))

/// `CHECK_OK(write(file));` for a Result<void>: returns its error from the enclosing function.
#define CHECK_OK(...)                                           \
  do {                                                          \
    if (auto check_ok_result = (__VA_ARGS__); !check_ok_result) \
      return ::halcyon::forward_error(check_ok_result);         \
  } while (false)

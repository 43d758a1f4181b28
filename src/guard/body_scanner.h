// Where the body of a message ends, without keeping or changing a byte of it.
#pragma once

#include <cstdint>
#include <string_view>

namespace halcyon::guard {

/// Follows a body (RFC 9112, section 6) as it passes.
class BodyScanner {
 public:
  static BodyScanner none() { return BodyScanner(Kind::length, 0); }
  static BodyScanner length(uint64_t bytes) { return BodyScanner(Kind::length, bytes); }
  static BodyScanner chunked() { return BodyScanner(Kind::chunked, 0); }
  static BodyScanner until_close() { return BodyScanner(Kind::until_close, 0); }

  /// How many of the bytes, which follow those of the last call, belong to the body. All of them unless it
  /// ends or is broken() among them.
  size_t take(std::string_view bytes);

  bool done() const { return kind_ == Kind::length ? left_ == 0 : state_ == State::done; }
  bool broken() const { return state_ == State::broken; }  ///< it is not chunked as it claims
  bool ends_with_connection() const { return kind_ == Kind::until_close; }

 private:
  enum class Kind { length, chunked, until_close };
  enum class State {
    size_start,
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    line_start,
    line,
    last_lf,
    done,
    broken
  };

  BodyScanner(Kind kind, uint64_t left) : kind_(kind), left_(left) {}
  void push(char c);

  Kind kind_;
  State state_ = State::size_start;
  uint64_t left_;      ///< of the body, or of the chunk
  uint32_t line_ = 0;  ///< bytes of an extension or a trailer so far
};

}  // namespace halcyon::guard

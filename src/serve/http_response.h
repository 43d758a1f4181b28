// How answers look on the wire (RFC 9112).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "serve/http.h"

namespace halcyon::serve {

/// How the client is to know where a body ends.
enum class Framing { length, chunked, until_close };

/// Status line and headers, with the empty line that ends them. `length` goes with Framing::length. Control
/// characters in what the app gave become spaces.
void append_head(std::string& out, const HttpHead& head, Framing framing, uint64_t length, bool keep_alive);

/// A piece of the body, which may be its last.
void append_body(std::string& out, Framing framing, std::string_view piece, bool last);

/// True for answers that have no body, whatever their request (RFC 9110 15.3.5, 15.4.5).
constexpr bool is_bodiless(int status) { return status == 204 || status == 304; }

}  // namespace halcyon::serve

// What a template may use. Templates come from files that strangers wrote, so each of these ends a render, or
// a parse, with an error that names it.
#pragma once

#include <cstddef>

namespace halcyon::jinja::limits {

/// A template's text.
inline constexpr size_t source_bytes = size_t{4} << 20;
/// What a render writes, and any one string it makes.
inline constexpr size_t output_bytes = size_t{64} << 20;

/// Work of one render: an evaluated node, an element of a list that is made or walked, a key of a dict that
/// is looked at, and 16 bytes of text that are made or searched each count as one step. As nothing is freed
/// before the render ends, this bounds its memory too.
inline constexpr size_t steps = size_t{8} << 20;
inline constexpr size_t bytes_per_step = 16;

/// Nested blocks, brackets and prefix operators.
inline constexpr int parse_depth = 200;
/// Height of an expression's tree: chains such as a + b + c + …
inline constexpr int expression_depth = 400;
/// Nested statements, expressions and macro calls while rendering.
inline constexpr int render_depth = 800;
/// Lists and dicts inside each other.
inline constexpr int value_depth = 200;

}  // namespace halcyon::jinja::limits

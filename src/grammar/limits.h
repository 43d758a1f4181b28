// What a grammar and a match may use. Grammars and schemas come with requests, so each of these ends in an
// error that names it, or in a text that is not accepted.
#pragma once

#include <cstddef>
#include <cstdint>

namespace halcyon::grammar::limits {

/// A GBNF grammar's text, and a schema's as compact JSON.
inline constexpr size_t source_bytes = size_t{1} << 20;
/// Rules of a grammar, and parts (literals, classes, references, …) of all its rules.
inline constexpr size_t rules = size_t{1} << 15;
inline constexpr size_t parts = size_t{1} << 17;
/// Nodes of the automaton.
inline constexpr size_t nodes = size_t{1} << 18;
/// Groups inside each other in GBNF and in patterns; arrays and objects inside each other in a schema.
inline constexpr int nesting = 100;
/// Schemas inside each other, those that $ref and allOf lead to included.
inline constexpr int schema_depth = 200;
/// The largest m and n of {m,n}, and the largest n for something that can be empty.
inline constexpr uint32_t repetitions = 1'000'000;
inline constexpr uint32_t empty_repetitions = 1'000;
/// Bytes of schemas that are looked at, each time they are.
inline constexpr size_t schema_work = size_t{16} << 20;

/// Rules inside each other at one place of a text; what would go deeper is not accepted.
inline constexpr uint32_t stack_depth = 1'000;
/// States that one byte may lead to; a text that needs more is not accepted.
inline constexpr size_t states = size_t{1} << 15;
/// Work of one mask: states that are visited, and places of the transition table. Tokens beyond it are not
/// allowed.
inline constexpr size_t mask_work = size_t{1} << 22;

}  // namespace halcyon::grammar::limits

#include "grammar/json_rules.h"

#include <fmt/format.h>

namespace halcyon::grammar {
namespace {

constexpr uint32_t kMostIndentation = 20;  ///< spaces at the start of a line
constexpr uint32_t kMostDigits = 20;       ///< before the point, and as many behind it

const CharSet kDigit = {{'0', '9'}};
const CharSet kHex = {{'0', '9'}, {'A', 'F'}, {'a', 'f'}};

/// What has to be escaped, with its short escape or 0.
struct Escape {
  char32_t character;
  char letter;
};
constexpr Escape kEscapes[] = {{'"', '"'},  {'\\', '\\'}, {'\b', 'b'}, {'\f', 'f'},
                               {'\n', 'n'}, {'\r', 'r'},  {'\t', 't'}};

const CharSet& plain_characters() {
  static const CharSet set = complement(normalized({{0, 0x1F}, {'"', '"'}, {'\\', '\\'}}));
  return set;
}

}  // namespace

Expr json_character(const CharSet& set) {
  Expr out = choice(characters(intersection(set, plain_characters())));
  CharSet rest = intersection(set, {{0, 0x1F}});
  CharSet letters;
  for (const auto& [character, letter] : kEscapes) {
    if (!contains(set, character)) continue;
    const auto code = static_cast<char32_t>(letter);
    letters.push_back({code, code});
    rest = intersection(rest, complement({{character, character}}));
  }
  if (!letters.empty()) out.parts.push_back(sequence("\\", characters(normalized(std::move(letters)))));
  for (const auto& [first, last] : rest)
    for (char32_t character = first; character <= last; ++character)
      out.parts.push_back(literal(fmt::format("\\u{:04x}", static_cast<uint32_t>(character))));
  return out;
}

template <class Body>
RuleId JsonRules::rule(std::string_view name, Body body) {
  if (const auto known = known_.find(name); known != known_.end()) return known->second;
  const RuleId id = rules_.add(std::string(name), "JSON");
  known_.emplace(name, id);
  Expr expr = body();  // may add rules itself
  rules_.list[id].body = std::move(expr);
  return id;
}

RuleId JsonRules::space() {
  return rule("space", [] {
    return optional(
        choice(" ", sequence("\n", repeat(characters({{'\t', '\t'}, {' ', ' '}}), 0, kMostIndentation))));
  });
}

RuleId JsonRules::character() {
  return rule("character", [] {
    const Expr hex = characters(kHex);
    const auto with_d = [&](CharSet second) {
      return sequence("u", characters({{'D', 'D'}, {'d', 'd'}}), characters(std::move(second)), hex, hex);
    };
    Expr high = with_d({{'8', '9'}, {'A', 'B'}, {'a', 'b'}});
    Expr low = with_d({{'C', 'F'}, {'c', 'f'}});
    Expr unit = sequence("u", characters({{'0', '9'}, {'A', 'C'}, {'E', 'F'}, {'a', 'c'}, {'e', 'f'}}), hex,
                         hex, hex);
    Expr letter = characters(normalized(
        {{'"', '"'}, {'\\', '\\'}, {'/', '/'}, {'b', 'b'}, {'f', 'f'}, {'n', 'n'}, {'r', 'r'}, {'t', 't'}}));
    return choice(characters(plain_characters()),
                  sequence("\\", choice(std::move(letter), std::move(unit), with_d({{'0', '7'}}),
                                        sequence(std::move(high), "\\", std::move(low)))));
  });
}

RuleId JsonRules::string() {
  return rule("string", [this] { return sequence("\"", repeat(rules_.list[character()].body, 0), "\""); });
}

RuleId JsonRules::integer() {
  return rule("integer", [] {
    return sequence(optional("-"), choice("0", sequence(characters({{'1', '9'}}),
                                                        repeat(characters(kDigit), 0, kMostDigits - 1))));
  });
}

RuleId JsonRules::number() {
  return rule("number", [this] {
    Expr fraction = sequence(".", repeat(characters(kDigit), 1, kMostDigits));
    Expr exponent = sequence(characters({{'E', 'E'}, {'e', 'e'}}), optional(choice("+", "-")),
                             repeat(characters(kDigit), 1, 3));
    return sequence(reference(integer()), optional(std::move(fraction)), optional(std::move(exponent)));
  });
}

RuleId JsonRules::boolean() {
  return rule("boolean", [] { return choice("true", "false"); });
}

RuleId JsonRules::null() {
  return rule("null", [] { return Expr("null"); });
}

Expr JsonRules::enclosed(const char* open, Expr contents, const char* close) {
  return sequence(open, reference(space()), std::move(contents), close);
}

RuleId JsonRules::value() {
  return rule("value", [this] {
    return choice(reference(object()), reference(array()), reference(string()), reference(number()),
                  reference(boolean()), reference(null()));
  });
}

RuleId JsonRules::array() {
  return rule("array", [this] {
    const Expr element = sequence(reference(value()), reference(space()));
    return enclosed("[", optional(sequence(element, repeat(sequence(comma(), element), 0))), "]");
  });
}

RuleId JsonRules::object() {
  return rule("object", [this] {
    const Expr member =
        sequence(reference(string()), reference(space()), colon(), reference(value()), reference(space()));
    return enclosed("{", optional(sequence(member, repeat(sequence(comma(), member), 0))), "}");
  });
}

}  // namespace halcyon::grammar

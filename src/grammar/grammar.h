// What a generated text must look like: a grammar in GBNF, any JSON object, or what a JSON Schema describes.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "base/result.h"
#include "grammar/automaton.h"

namespace halcyon::grammar {

/// A language of texts. Immutable; any number of matchers may share it, on any thread.
class Grammar {
 public:
  /// GBNF: rules `name ::= …` of which `root` is the whole text; literals "…", classes [a-z] and [^a-z], `.`
  /// for any character, groups ( ), alternatives |, repetition * + ? {m} {m,} {m,n}, comments #. Escapes: \n
  /// \r \t \" \\ \[ \]
  /// \- \^ \xHH \uHHHH \UHHHHHHHH. A rule may go over several lines, and begins a line. Errors say line and
  /// column.
  static Result<std::shared_ptr<const Grammar>> parse(std::string_view gbnf);

  /// Any JSON object (RFC 8259) whose white space and numbers have an end.
  static Result<std::shared_ptr<const Grammar>> json_object();

  /// JSON texts that fulfil a schema (draft 2020-12, and "definitions" of older ones). Whatever the grammar
  /// accepts fulfils the schema, oneOf being read as anyOf; not all that does is accepted: properties come in
  /// the schema's order, and further ones or further items only if the schema asks for them
  /// (additionalProperties, items) or says nothing of the object's properties at all. Keywords that are not
  /// supported are errors, with their path. `before` and `after` are texts around the JSON.
  static Result<std::shared_ptr<const Grammar>> from_json_schema(const nlohmann::ordered_json& schema,
                                                                 std::string_view before = "",
                                                                 std::string_view after = "");

  const Automaton& automaton() const { return automaton_; }

 private:
  explicit Grammar(Automaton automaton) : automaton_(std::move(automaton)) {}
  static Result<std::shared_ptr<const Grammar>> from_rules(const Rules& rules);

  Automaton automaton_;
};

}  // namespace halcyon::grammar

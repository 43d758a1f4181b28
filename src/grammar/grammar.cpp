#include "grammar/grammar.h"

#include "grammar/gbnf.h"
#include "grammar/json_rules.h"
#include "grammar/limits.h"
#include "grammar/schema.h"
#include "grammar/simulation.h"

namespace halcyon::grammar {

Result<std::shared_ptr<const Grammar>> Grammar::from_rules(const Rules& rules) {
  TRY(Automaton automaton, compile(rules));
  Stacks stacks;
  if (Simulation(automaton, stacks).start().empty())
    return fail("the grammar is too ambiguous: its first byte may be read in more than {} ways",
                limits::states);
  return std::shared_ptr<const Grammar>(new Grammar(std::move(automaton)));
}

Result<std::shared_ptr<const Grammar>> Grammar::parse(std::string_view gbnf) {
  TRY(const Rules rules, parse_gbnf(gbnf));
  return from_rules(rules);
}

Result<std::shared_ptr<const Grammar>> Grammar::json_object() {
  Rules rules;
  JsonRules json(rules);
  rules.root = json.object();
  return from_rules(rules);
}

Result<std::shared_ptr<const Grammar>> Grammar::from_json_schema(const nlohmann::ordered_json& schema,
                                                                 std::string_view before,
                                                                 std::string_view after) {
  TRY(Rules rules, schema_rules(schema));
  if (!before.empty() || !after.empty())
    rules.root =
        rules.add("answer", "",
                  sequence(literal(std::string(before)), reference(rules.root), literal(std::string(after))));
  return from_rules(rules);
}

}  // namespace halcyon::grammar

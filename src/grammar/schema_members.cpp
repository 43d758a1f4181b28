#include "grammar/schema_members.h"

#include <map>

namespace halcyon::grammar {
namespace {

/// Names, character by character.
struct Trie {
  struct Node {
    std::map<char32_t, uint32_t> children;
    bool is_name = false;
  };
  std::vector<Node> nodes{1};

  explicit Trie(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      uint32_t at = 0;
      for (std::string_view rest = name; !rest.empty();) {
        const char32_t character = take_character(rest).value();  // JSON that can be written is UTF-8
        const auto [place, is_new] =
            nodes[at].children.try_emplace(character, static_cast<uint32_t>(nodes.size()));
        at = place->second;
        if (is_new) nodes.emplace_back();
      }
      nodes[at].is_name = true;
    }
  }
};

/// What names may be made of: control characters that have no short escape are left out.
const CharSet& name_characters() {
  static const CharSet set = complement(normalized({{0, 7}, {0x0B, 0x0B}, {0x0E, 0x1F}}));
  return set;
}

}  // namespace

Expr list_of(Rules& rules, JsonRules& json, const std::vector<Member>& members, bool prefix,
             const Expr& further, uint32_t min_further, uint32_t max_further) {
  const auto add = [&](Expr body) { return reference(rules.add("members", "JSON", std::move(body))); };
  // From back to front: what may follow a member, and what the list may be that begins with a member at this
  // place or behind it.
  Expr behind = add(repeat(sequence(json.comma(), further), min_further, max_further));
  Expr from_here = choice();
  if (min_further == 0) from_here.parts.push_back(Expr());
  if (max_further > 0) {
    const uint32_t max_more = max_further == kUnlimited ? kUnlimited : max_further - 1;
    from_here.parts.push_back(sequence(
        further, repeat(sequence(json.comma(), further), min_further == 0 ? 0 : min_further - 1, max_more)));
  }
  for (auto member = members.rbegin(); member != members.rend(); ++member) {
    Expr with = sequence(reference(member->rule), behind);
    Expr next = sequence(json.comma(), with);
    if (!member->required) next = prefix ? optional(std::move(next)) : choice(std::move(next), behind);
    behind = add(std::move(next));
    if (member->required) {
      from_here = choice(std::move(with));
    } else if (prefix) {
      from_here = choice(std::move(with), Expr());
    } else {
      from_here.parts.push_back(std::move(with));
    }
  }
  return from_here;
}

Expr name_besides(Rules& rules, const std::vector<std::string>& names) {
  const Trie trie(names);
  const auto first = static_cast<RuleId>(rules.list.size());
  for (size_t i = 0; i < trie.nodes.size(); ++i) rules.add("name", "JSON");
  const RuleId rest = rules.add("name", "JSON", sequence(repeat(json_character(name_characters()), 0), "\""));
  for (uint32_t i = 0; i < trie.nodes.size(); ++i) {
    Expr body = choice();
    std::vector<CharRange> known;
    for (const auto& [character, child] : trie.nodes[i].children) {
      known.push_back({character, character});
      body.parts.push_back(sequence(json_character({known.back()}), reference(first + child)));
    }
    if (!trie.nodes[i].is_name) body.parts.push_back("\"");
    const CharSet others = intersection(name_characters(), complement(normalized(std::move(known))));
    body.parts.push_back(sequence(json_character(others), reference(rest)));
    rules.list[first + i].body = std::move(body);
  }
  return sequence("\"", reference(first));
}

}  // namespace halcyon::grammar

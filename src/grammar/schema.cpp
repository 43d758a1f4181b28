#include "grammar/schema.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/quote.h"
#include "grammar/json_rules.h"
#include "grammar/numbers.h"
#include "grammar/pattern.h"
#include "grammar/schema_members.h"
#include "grammar/schema_source.h"

namespace halcyon::grammar {
namespace {

/// RFC 3339 and RFC 9562 as patterns.
std::string_view format_pattern(const std::string& format) {
  static const std::string date = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])";
  static const std::string time =
      "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])";
  static const std::map<std::string, std::string> patterns = {
      {"date", "^" + date + "$"},
      {"date-time", "^" + date + "T" + time + "$"},
      {"time", "^" + time + "$"},
      {"uuid", "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"},
  };
  return patterns.at(format);
}

/// The types that a keyword says something about.
struct Hint {
  const char* keyword;
  const char* type;
};
constexpr Hint kHints[] = {
    {"properties", "object"}, {"required", "object"},         {"additionalProperties", "object"},
    {"items", "array"},       {"prefixItems", "array"},       {"minItems", "array"},
    {"maxItems", "array"},    {"minLength", "string"},        {"maxLength", "string"},
    {"pattern", "string"},    {"format", "string"},           {"minimum", "number"},
    {"maximum", "number"},    {"exclusiveMinimum", "number"}, {"exclusiveMaximum", "number"},
};

/// The types that a schema names or, without `type`, has keywords for; empty if there are none.
std::vector<std::string> types_of(const Json& flat) {
  std::vector<std::string> out;
  const auto add = [&](const std::string& type) {
    if (std::ranges::find(out, type) == out.end()) out.push_back(type);
  };
  if (const auto type = flat.find("type"); type != flat.end()) {
    if (type->is_string()) return {type->get<std::string>()};
    for (const Json& one : *type) add(one.get<std::string>());
    return out;
  }
  for (const auto& [keyword, type] : kHints)
    if (flat.contains(keyword)) add(type);
  return out;
}

bool is_of_type(const Json& value, const std::string& type) {
  if (type == "integer")
    return value.is_number_integer() ||
           (value.is_number() && std::trunc(value.get<double>()) == value.get<double>());
  return type == value.type_name();
}

/// A limit as a count; what is larger makes no difference.
uint32_t count_of(const Json& flat, const char* keyword, uint32_t otherwise) {
  const auto found = flat.find(keyword);
  return found == flat.end()
             ? otherwise
             : static_cast<uint32_t>(std::min<uint64_t>(found->get<uint64_t>(), kUnlimited - 1));
}

class Compiler {
 public:
  explicit Compiler(const Json& root) : root_(root), source_(root), json_(rules_) {}

  Result<Rules> run() {
    CHECK_OK(source_.check_size());
    TRY(rules_.root, schema(root_, "$", 0));
    return std::move(rules_);
  }

 private:
  /// The rule of a schema. Schemas that read alike have one rule, which is how references can go in circles.
  Result<RuleId> schema(const Json& schema, const std::string& path, int depth) {
    TRY(std::string text, source_.text(schema, path, depth));
    const auto [known, is_new] = known_.try_emplace(std::move(text), static_cast<RuleId>(rules_.list.size()));
    const RuleId id = known->second;
    if (!is_new) return id;
    rules_.add(path, path);
    TRY(Expr expr, body(schema, path, depth + 1));
    rules_.list[id].body = std::move(expr);
    return id;
  }

  Result<Expr> body(const Json& schema, const std::string& path, int depth) {
    // A reference alone is the rule that it leads to: merging copies, and does not end where schemas go in
    // circles.
    TRY(const Json* target, source_.only_reference(schema, path));
    if (target) {
      TRY(const RuleId rule, this->schema(*target, path_to(path, "$ref"), depth));
      return reference(rule);
    }
    TRY(const Json flat, source_.flatten(schema, path, depth));
    for (const char* keyword : {"anyOf", "oneOf"})
      if (flat.contains(keyword)) return alternatives(flat, keyword, path, depth);
    if (flat.contains("enum")) return values(flat, path);
    Expr out = choice();
    const std::vector<std::string> types = types_of(flat);
    if (types.empty() && !flat.contains("type")) return reference(json_.value());
    for (const std::string& type : types) {
      TRY(Expr expr, of_type(type, flat, path, depth));
      out.parts.push_back(std::move(expr));
    }
    return out;
  }

  /// What stands beside anyOf narrows each of the alternatives.
  Result<Expr> alternatives(Json flat, const char* keyword, const std::string& path, int depth) {
    const Json list = flat[keyword];
    flat.erase(keyword);
    Expr out = choice();
    for (size_t i = 0; i < list.size(); ++i) {
      const Json one = flat.empty() ? list[i] : Json{{"allOf", Json::array({flat, list[i]})}};
      TRY(const RuleId rule, schema(one, path_to(path, keyword, i), depth));
      out.parts.push_back(reference(rule));
    }
    return out;
  }

  Result<Expr> values(const Json& flat, const std::string& path) {
    const std::vector<std::string> types = types_of(flat);
    for (const auto& [keyword, value] : flat.items())
      if (keyword != "enum" && keyword != "type")
        return fail("{}: {} beside enum or const is not supported", path, quote(keyword));
    Expr out = choice();
    for (const Json& value : flat["enum"]) {
      const auto fits = [&](const std::string& type) { return is_of_type(value, type); };
      if (!flat.contains("type") || std::ranges::any_of(types, fits))
        out.parts.push_back(literal(value.dump()));
    }
    return out;
  }

  Result<Expr> of_type(const std::string& type, const Json& flat, const std::string& path, int depth) {
    if (type == "object") return object(flat, path, depth);
    if (type == "array") return array(flat, path, depth);
    if (type == "string") return string(flat, path);
    if (type == "boolean") return reference(json_.boolean());
    if (type == "null") return reference(json_.null());
    return number(flat, path, type == "integer");
  }

  Result<Expr> string(const Json& flat, const std::string& path) {
    const char* narrowing = nullptr;
    for (const char* keyword : {"pattern", "format", "minLength", "maxLength"}) {
      if (!flat.contains(keyword)) continue;
      const bool is_length = std::string_view(keyword).ends_with("Length");
      if (narrowing && !(is_length && std::string_view(narrowing) == "minLength"))
        return fail("{}: {} together with {} is not supported", path, quote(narrowing), quote(keyword));
      narrowing = keyword;
    }
    const auto text = [&](const char* keyword) { return flat[keyword].get<std::string>(); };
    if (flat.contains("pattern") || flat.contains("format")) {
      auto inside = pattern_expr(flat.contains("pattern") ? text("pattern") : format_pattern(text("format")));
      if (!inside) return std::unexpected(std::move(inside.error()).in(path_to(path, "pattern")));
      return sequence("\"", std::move(*inside), "\"");
    }
    if (!narrowing) return reference(json_.string());
    const uint32_t min = count_of(flat, "minLength", 0), max = count_of(flat, "maxLength", kUnlimited);
    if (min > max) return choice();
    return sequence("\"", repeat(reference(json_.character()), min, max), "\"");
  }

  Result<Expr> number(const Json& flat, const std::string& path, bool is_whole) {
    NumberRange range;
    for (const char* keyword : {"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"}) {
      if (!flat.contains(keyword)) continue;
      const bool is_min = std::string_view(keyword).ends_with("inimum");
      const bool is_exclusive = keyword[0] == 'e';
      TRY(int64_t limit,
          whole_limit(flat[keyword], path_to(path, keyword), is_whole, is_min != is_exclusive));
      if (is_whole && is_exclusive) limit += is_min ? 1 : -1;
      std::optional<int64_t>& known = is_min ? range.min : range.max;
      if (known && (is_min ? limit < *known : limit > *known)) continue;
      known = limit;
      (is_min ? range.without_min : range.without_max) = is_exclusive && !is_whole;
    }
    if (!range.min && !range.max) return reference(is_whole ? json_.integer() : json_.number());
    return is_whole ? integers_between(range) : numbers_between(range);
  }

  /// A limit that is no whole number may be rounded if the numbers are whole.
  Result<int64_t> whole_limit(const Json& value, const std::string& path, bool may_round, bool up) {
    constexpr double kMost = 9e18;
    const double real = value.get<double>();
    if (!(std::abs(real) <= kMost)) return fail("{}: only limits up to ±9e18 are supported", path);
    if (value.is_number_integer()) return value.get<int64_t>();
    if (!may_round && std::trunc(real) != real)
      return fail("{}: for numbers that are not whole, only whole limits are supported", path);
    return static_cast<int64_t>(up ? std::ceil(real) : std::floor(real));
  }

  Result<Expr> array(const Json& flat, const std::string& path, int depth) {
    const Json tuple = flat.value("prefixItems", Json::array());
    const auto items = flat.find("items");
    const bool has_further = items != flat.end() ? *items != false : tuple.empty();
    const uint32_t min = count_of(flat, "minItems", 0), max = count_of(flat, "maxItems", kUnlimited);
    const size_t n_places = std::min<size_t>(tuple.size(), max);
    if (min > max || (!has_further && min > n_places)) return choice();

    std::vector<Member> members;
    for (size_t i = 0; i < n_places; ++i) {
      TRY(const RuleId rule, schema(tuple[i], path_to(path, "prefixItems", i), depth));
      members.push_back(
          {rules_.add("element", path, sequence(reference(rule), reference(json_.space()))), i < min});
    }
    Expr further;
    uint32_t max_further = 0;
    if (has_further) {
      TRY(const RuleId rule,
          schema(items != flat.end() ? *items : Json(true), path_to(path, "items"), depth));
      further = sequence(reference(rule), reference(json_.space()));
      max_further = max == kUnlimited ? kUnlimited : max - static_cast<uint32_t>(n_places);
    }
    const uint32_t min_further = min - static_cast<uint32_t>(std::min<size_t>(min, n_places));
    return json_.enclosed(
        "[", list_of(rules_, json_, members, /*prefix=*/true, further, min_further, max_further), "]");
  }

  Result<Expr> object(const Json& flat, const std::string& path, int depth) {
    const auto additional = flat.find("additionalProperties");
    const bool says_nothing = !flat.contains("properties") && additional == flat.end();
    const bool has_further = additional != flat.end() ? *additional != false : says_nothing;
    const Json further_schema = additional != flat.end() ? *additional : Json(true);

    // Names that are only required stand behind those with a schema.
    std::vector<std::string> names, required;
    const Json required_names = flat.value("required", Json::array());
    for (const Json& name : required_names) required.push_back(name.get<std::string>());
    std::ranges::sort(required);
    std::vector<Member> members;
    const auto add = [&](const std::string& name, const Json& schema,
                         const std::string& where) -> Result<void> {
      names.push_back(name);
      const bool is_required = std::ranges::binary_search(required, name);
      if (schema == false && !is_required) return {};
      TRY(const RuleId rule, this->schema(schema, where, depth));
      members.push_back({rules_.add("member", path, member(literal(Json(name).dump()), rule)), is_required});
      return {};
    };
    const Json properties = flat.value("properties", Json::object());
    for (const auto& [name, schema] : properties.items())
      CHECK_OK(add(name, schema, path_to(path_to(path, "properties"), name)));
    std::vector<std::string> known = names;
    std::ranges::sort(known);
    for (const std::string& name : required)
      if (!std::ranges::binary_search(known, name) && std::ranges::find(names, name) == names.end())
        CHECK_OK(add(name, further_schema, path_to(path, "additionalProperties")));

    Expr further;
    if (has_further) {
      TRY(const RuleId rule, schema(further_schema, path_to(path, "additionalProperties"), depth));
      further = member(names.empty() ? reference(json_.string()) : name_besides(rules_, names), rule);
    }
    return json_.enclosed(
        "{", list_of(rules_, json_, members, /*prefix=*/false, further, 0, has_further ? kUnlimited : 0),
        "}");
  }

  Expr member(Expr name, RuleId value) {
    return sequence(std::move(name), reference(json_.space()), json_.colon(), reference(value),
                    reference(json_.space()));
  }

  const Json& root_;
  SchemaSource source_;
  Rules rules_;
  JsonRules json_;
  std::map<std::string, RuleId> known_;  ///< by the schemas' text
};

}  // namespace

Result<Rules> schema_rules(const Json& schema) {
  try {
    return Compiler(schema).run();
  } catch (const Json::exception& error) {  // text that is not UTF-8
    return fail("$: the schema cannot be read: {}", quote(error.what()));
  }
}

}  // namespace halcyon::grammar

#include "report/comparison.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "report/format.h"

namespace halcyon::report {
namespace {

using Json = nlohmann::ordered_json;

std::string verdict(const Change& change) {
  if (!change.a.value || !change.b.value) return "";
  const std::optional<bool> beyond = change.beyond_noise();
  if (!beyond) return "not known";
  if (!*beyond) return "within the noise";
  return (*change.b.value > *change.a.value) == change.a.more_is_better ? "better" : "worse";
}

std::string change_text(const Change& change) {
  return change.a.value && change.b.value ? in_change(*change.a.value, *change.b.value) : "";
}

std::string or_unknown(const std::string& version) { return version.empty() ? "not known" : version; }

}  // namespace

std::optional<bool> Change::beyond_noise() const {
  if (!a.value || !b.value || !a.deviation || !b.deviation) return std::nullopt;
  return std::abs(*b.value - *a.value) > 2 * std::hypot(*a.deviation, *b.deviation);
}

std::vector<Change> changes(const Measurement& a, const Measurement& b) {
  const std::vector<PromptSize> sizes = prompt_sizes(std::array{a, b});
  const std::vector<KeyFigure> of_a = key_figures(a, sizes), of_b = key_figures(b, sizes);
  std::vector<Change> all;
  for (size_t i = 0; i < of_a.size(); ++i)
    if (of_a[i].value || of_b[i].value) all.push_back({of_a[i], of_b[i]});
  return all;
}

std::vector<VersionPair> versions(const Measurement& a, const Measurement& b) {
  std::set<std::string> names;
  for (const Measurement* m : {&a, &b})
    for (const auto& [name, version] : m->versions) names.insert(name);
  const auto version_of = [](const Measurement& m, const std::string& name) {
    const auto at = m.versions.find(name);
    return at != m.versions.end() ? at->second : std::string();
  };
  std::vector<VersionPair> pairs;
  for (const std::string& name : names) pairs.push_back({name, version_of(a, name), version_of(b, name)});
  return pairs;
}

Page comparison_page(const Measurement& a, const Measurement& b) {
  const std::vector<std::string> names = names_of(std::array{a, b});
  Page page{.title = fmt::format("{} and {}", names[0], names[1]), .summary = {}, .sections = {}};

  Table figures{.title = "",
                .columns = {{""}, {names[0], true}, {names[1], true}, {"change", true}, {"noise"}},
                .rows = {}};
  for (const Change& change : changes(a, b))
    figures.rows.push_back(
        {change.a.name, in_words(change.a), in_words(change.b), change_text(change), verdict(change)});
  page.summary.emplace_back(std::move(figures));
  page.summary.emplace_back(
      Paragraph{"CPU time is in percent of one core. ± is the deviation of the repetitions, or of the "
                "seconds of an idle window; "
                "a change is more than noise if it is more than twice the deviation of the difference. Not "
                "known: one of the two "
                "has no deviation."});

  Table table{.title = "", .columns = {{""}, {names[0]}, {names[1]}, {""}}, .rows = {}};
  for (const VersionPair& pair : versions(a, b))
    table.rows.push_back(
        {pair.name, or_unknown(pair.a), or_unknown(pair.b), pair.changed() ? "changed" : ""});
  if (a.target.model != b.target.model)
    table.rows.push_back({"model", a.target.model, b.target.model, "changed"});
  if (!table.rows.empty()) page.sections.push_back({"Versions", {std::move(table)}});
  return page;
}

Json comparison_json(const Measurement& a, const Measurement& b) {
  const auto or_null = [](const auto& value) { return value ? Json(*value) : Json(); };
  const auto text_or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  Json figures = Json::array(), pairs = Json::array();
  for (const Change& change : changes(a, b))
    figures.push_back({{"name", change.a.name},
                       {"unit", name_of(change.a.unit)},
                       {"a", or_null(change.a.value)},
                       {"a_deviation", or_null(change.a.deviation)},
                       {"b", or_null(change.b.value)},
                       {"b_deviation", or_null(change.b.deviation)},
                       {"beyond_noise", or_null(change.beyond_noise())}});
  for (const VersionPair& pair : versions(a, b))
    pairs.push_back({{"name", pair.name},
                     {"a", text_or_null(pair.a)},
                     {"b", text_or_null(pair.b)},
                     {"changed", pair.changed()}});
  return {{"a", text_or_null(a.id)}, {"b", text_or_null(b.id)}, {"figures", figures}, {"versions", pairs}};
}

}  // namespace halcyon::report

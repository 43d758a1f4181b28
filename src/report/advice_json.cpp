#include "report/advice_text.h"

namespace halcyon::report {
namespace {

using Json = nlohmann::ordered_json;

/// For a load that an option can't carry there are no figures.
class Document {
 public:
  Document(const Advice& advice, const std::optional<Price>& price) : advice_(advice), price_(price) {}

  Json all() const {
    Json out;
    out["workload"] = workload(advice_.workload);
    out["price"] = price_ ? Json{{"per_kwh", price_->per_kwh}, {"currency", price_->currency}} : Json();
    out["break_even_tokens_per_day"] = advice_.main ? Json(advice_.main->tokens_per_day) : Json();
    out["break_even"] = advice_.main ? break_even(*advice_.main) : Json();
    out["break_evens"] = list(advice_.break_evens, [&](const auto& b) { return break_even(b); });
    out["candidates"] = list(advice_.options, [&](const auto& o) { return candidate(o); });
    out["cheapest_by_load"] = {{"resident", ranges(advice_.resident_by_load)},
                               {"any", ranges(advice_.any_by_load)}};
    out["answer"] = recommendation(advice_.answer);
    out["recommendations"] = list(advice_.by_preset, [&](const auto& r) { return recommendation(r); });
    out["sensitivity"] = list(advice_.sensitivities, [&](const auto& s) { return sensitivity(s); });
    out["stale"] = list(advice_.stale, [&](const auto& s) { return stale(s); });
    return out;
  }

 private:
  static Json list(const auto& items, auto&& convert) {
    Json out = Json::array();
    for (const auto& item : items) out.push_back(convert(item));
    return out;
  }
  static Json number(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

  const std::string& name(size_t candidate) const { return advice_.candidates[candidate].name; }
  Json named(const Option& option) const {
    return {{"name", name(option.candidate)}, {"strategy", name_of(option.strategy)}};
  }

  static Json workload(const Workload& w) {
    return {{"name", w.name},
            {"tokens_per_day", w.tokens_per_day},
            {"burst_tokens", w.burst_tokens},
            {"prompt_tokens", w.prompt_tokens},
            {"hours_per_day", w.hours_per_day},
            {"latency_seconds", number(w.latency_seconds)}};
  }

  Json candidate(const Option& option) const {
    const Candidate& c = advice_.candidates[option.candidate];
    const double tokens = advice_.workload.tokens_per_day, busy = option.busy_share(tokens);
    const bool possible = busy <= 1;
    const double wh = option.wh(tokens), kwh_per_year = wh * kDaysPerYear / 1000;
    Json out = named(option);
    out["possible"] = possible;
    out["wh_per_day"] = possible ? Json(wh) : Json();
    out["kwh_per_year"] = possible ? Json(kwh_per_year) : Json();
    out["cost_per_year"] = possible && price_ ? Json(kwh_per_year * price_->per_kwh) : Json();
    out["j_per_token"] = possible && tokens > 0 ? Json(option.joules(tokens) / tokens) : Json();
    out["busy_share"] = busy;
    out["added_latency_seconds"] = option.added_latency;
    out["in_time"] = option.in_time;
    out["idle_wh_per_day"] = option.wh(0);
    out["idle_kwh_per_year"] = option.wh(0) * kDaysPerYear / 1000;
    out["joules_per_day"] = {{"fixed", option.fixed_joules}, {"per_token", option.joules_per_token}};
    out["tokens_per_day_at_most"] = option.capacity();
    out["estimated"] = is_estimated(c);
    out["origin"] = c.origin;
    return out;
  }

  Json break_even(const BreakEven& b) const {
    Json out{{"tokens_per_day", b.tokens_per_day}};
    const std::pair<const char*, const Option*> sides[] = {{"below", &b.below}, {"above", &b.above}};
    for (const auto& [side, option] : sides) {
      out[side] = named(*option);
      out[side]["busy_share"] = option->busy_share(b.tokens_per_day);
    }
    return out;
  }

  Json ranges(const std::vector<Range>& ranges) const {
    return list(ranges, [&](const Range& range) {
      Json out = named(range.option);
      out["from_tokens_per_day"] = range.from;
      out["to_tokens_per_day"] = range.to;
      return out;
    });
  }

  Json choice(const std::optional<Choice>& choice) const {
    if (!choice) return {};
    Json out = named(choice->option);
    out["wh_per_day"] = choice->wh_per_day;
    out["as_good"] = list(choice->as_good, [&](const Option& option) { return named(option); });
    return out;
  }

  Json recommendation(const Recommendation& r) const {
    return {{"workload", workload(r.workload)},
            {"unfrozen", choice(r.unfrozen)},
            {"with_freezing", choice(r.any)}};
  }

  Json sensitivity(const Sensitivity& s) const {
    return {{"name", name(s.candidate)},
            {"figure", s.figure},
            {"value", s.now.value},
            {"plus_minus", s.now.plus_minus},
            {"measured", s.now.measured},
            {"changes_answer", s.changes_answer},
            {"regret_wh_per_day", s.regret_wh_per_day},
            {"change_wh_per_day", s.change_wh_per_day},
            {"break_even_low", number(s.break_even_low)},
            {"break_even_high", number(s.break_even_high)},
            {"command", s.command}};
  }

  Json stale(const Stale& s) const {
    return {{"name", name(s.candidate)},
            {"changes", list(s.changes, [](const VersionChange& change) {
               return Json{{"name", change.name}, {"then", change.then}, {"now", change.now}};
             })}};
  }

  const Advice& advice_;
  const std::optional<Price>& price_;
};

}  // namespace

nlohmann::ordered_json to_json(const Advice& advice, const std::optional<Price>& price) {
  return Document(advice, price).all();
}

}  // namespace halcyon::report

#include "serve/cost.h"

#include "energy/meter.h"

extern "C" const char halcyon_cost_page_begin[], halcyon_cost_page_end[];

namespace halcyon::serve {

std::unique_ptr<Exchange> cost_page() {
  // Nothing is loaded from anywhere, and no other page may frame it.
  constexpr auto policy =
      "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
      "frame-ancestors 'none'";
  return reply({.status = 200,
                .content_type = "text/html; charset=utf-8",
                .headers = {{"Content-Security-Policy", policy}}},
               {halcyon_cost_page_begin, halcyon_cost_page_end});
}

Json cost_json(energy::Ledger& ledger) {
  const auto known = [](const std::optional<double>& x) { return x ? Json(*x) : Json(nullptr); };
  const energy::Ledger::Totals totals = ledger.totals();
  Json json = {{"source", ledger.source()},       {"measured", ledger.measured()},
               {"hints", ledger.meter().hints()}, {"idle_watts", known(totals.idle_watts)},
               {"phases", Json::object()},        {"domains", Json::object()}};
  for (const auto& [phase, total] : totals.phases)
    json["phases"][energy::name_of(phase)] = {{"joules", total.joules.gross},
                                              {"joules_above_idle", known(total.joules.above_idle)},
                                              {"seconds", total.seconds},
                                              {"tokens", total.tokens}};
  for (const auto& [key, joules] : totals.joules)
    json["domains"][ledger.meter().sensors()[key.first].name][energy::name_of(key.second)] = joules;
  return json;
}

}  // namespace halcyon::serve

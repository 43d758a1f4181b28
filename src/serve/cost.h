// GET /cost: what the server has used, live, on one page; GET /cost.json has the figures.
#pragma once

#include <memory>

#include "energy/ledger.h"
#include "serve/http.h"
#include "serve/json.h"

namespace halcyon::serve {

/// The page. It asks for the figures itself, every two seconds while somebody looks at it.
std::unique_ptr<Exchange> cost_page();

/// Joules, seconds and tokens by phase since the server was started, the idle machine's watts (null: not
/// known), and where the figures come from. Reads the meter; wakes nobody else.
Json cost_json(energy::Ledger& ledger);

}  // namespace halcyon::serve

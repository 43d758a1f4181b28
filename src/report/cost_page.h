// The report about one server or several side by side.
#pragma once

#include <span>

#include "report/measurement.h"
#include "report/page.h"

namespace halcyon::report {

/// Everything that the measurements have; what is missing is said. Estimates are marked as such.
Page cost_page(std::span<const Measurement> measurements);

/// The same about one, without advice: there is nothing to compare it with.
Page summary_page(const Measurement& measurement);

}  // namespace halcyon::report

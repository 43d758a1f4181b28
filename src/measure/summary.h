// A measurement on one screen.
#pragma once

#include <string>

#include "report/measurement.h"

namespace halcyon::measure {

/// What was found, as lines of text. Estimates are marked as such.
std::string summary(const report::Measurement& measurement);

}  // namespace halcyon::measure

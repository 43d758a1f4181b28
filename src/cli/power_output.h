// How `halcyon power` shows the power of each domain: a table, lines or JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "energy/meter.h"

namespace halcyon::cli {

/// What a sensor showed, or the whole machine.
struct Flow {
  std::string name, source;
  std::string domain;  ///< of a sensor
  bool measured = true;
  bool billed = true;           ///< whether it is added up
  std::optional<double> watts;  ///< on average; empty: not known
  double joules = 0;
};

/// A stretch of time.
struct Stretch {
  std::string at;  ///< its end: RFC 3339, UTC
  double seconds = 0;
  std::vector<Flow> sensors;  ///< but for an estimate that nobody needs
  Flow machine;               ///< the sum of those that are billed
};

/// What was used between two readings. `machine_joules`: the sum, since who is billed may have changed.
Stretch stretch_between(const energy::Meter& meter, const energy::Reading& from, const energy::Reading& to,
                        double machine_joules);

/// Lines with watts of `now` and joules of `total`, which is the time since the beginning.
std::string to_table(const Stretch& now, const Stretch& total);

/// One line.
std::string to_line(const Stretch& now);

/// Where each figure of the lines comes from, one line each.
std::string to_legend(const Stretch& now);

/// Mean watts, joules and watt-hours.
std::string to_summary(const Stretch& total);

nlohmann::ordered_json to_json(const Stretch& stretch);

}  // namespace halcyon::cli

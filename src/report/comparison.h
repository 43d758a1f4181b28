// Two measurements side by side: what changed, and whether that is more than noise.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "report/key_figures.h"
#include "report/page.h"

namespace halcyon::report {

/// A figure that at least one of two measurements has.
struct Change {
  KeyFigure a, b;

  /// Whether they differ by more than twice the deviation of a difference, √(a² + b²). Empty if one of the
  /// figures or deviations is not known: a single run can't tell.
  std::optional<bool> beyond_noise() const;
};

struct VersionPair {
  std::string name, a, b;  ///< empty: not known
  bool changed() const { return !a.empty() && !b.empty() && a != b; }
};

std::vector<Change> changes(const Measurement& a, const Measurement& b);
std::vector<VersionPair> versions(const Measurement& a, const Measurement& b);

Page comparison_page(const Measurement& a, const Measurement& b);
nlohmann::ordered_json comparison_json(const Measurement& a, const Measurement& b);

}  // namespace halcyon::report

// What tests of the advice begin with.
#pragma once

#include <algorithm>
#include <filesystem>

#include "report/advice.h"
#include "tests/support/support.h"

namespace halcyon::test {

inline report::Workload preset(std::string_view name) {
  return *std::ranges::find(report::presets(), name, &report::Workload::name);
}

inline std::filesystem::path case_study() {
  return data_dir().parent_path().parent_path() / "examples" / "case-study-a.toml";
}

}  // namespace halcyon::test

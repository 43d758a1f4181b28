// What this program was built from, and with.
#pragma once

#include <string_view>

namespace halcyon::bench {

struct BuildInfo {
  std::string_view commit;    ///< "ebc228b16", "ebc228b16-dirty" with changes, "unknown" outside of git
  int number = 0;             ///< commits up to that one; 0: unknown
  std::string_view compiler;  ///< "GNU 12.2.0"
};

BuildInfo build_info();

}  // namespace halcyon::bench

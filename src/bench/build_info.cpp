#include "bench/build_info.h"

#include "commit.h"

namespace halcyon::bench {

BuildInfo build_info() {
  return {.commit = HALCYON_COMMIT, .number = HALCYON_BUILD_NUMBER, .compiler = HALCYON_COMPILER};
}

}  // namespace halcyon::bench

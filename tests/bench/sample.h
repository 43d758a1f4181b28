// Results with round figures.
#pragma once

#include <vector>

#include "bench/model_file.h"
#include "bench/result.h"

namespace halcyon::bench::test {

/// One with awkward names, and without a file.
std::vector<ModelFile> sample_models();

/// Two threads, avx2: 100 tokens in 1.0, 1.1 and 0.9 s, of 2e9 bytes and 8e9 multiply-adds of int8. Limits of
/// 10 GB/s, 100 and 50 G multiply-adds/s before, and as much after.
CaseResult sample_result();

}  // namespace halcyon::bench::test

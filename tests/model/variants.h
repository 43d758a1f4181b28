// What real files do that the conformance models do not: each variant bends a small model in one way.
#pragma once

#include "tests/model/synthetic.h"

namespace halcyon::model::test {

/// By name. tests/data/model/variants.json has the logits of each after sample_tokens(), as an independent
/// float64 implementation of the architectures computes them from the same GGUF files.
std::map<std::string, SyntheticModel> variants();

}  // namespace halcyon::model::test

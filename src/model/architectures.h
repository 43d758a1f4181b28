// The architectures that Halcyon knows. A new one is one file with a recipe, and one row in
// architectures.cpp.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "model/layers.h"

namespace halcyon::model {

/// A recipe writes the forward pass of an architecture into `m` and returns the logits. Mistakes with tensors
/// and shapes are kept by the builder; an error is a hyper-parameter of its own that makes no sense.
using Recipe = Result<ValueId> (*)(const Keys& keys, Layers& m);

Result<ValueId> llama(const Keys& keys, Layers& m);
Result<ValueId> qwen2(const Keys& keys, Layers& m);
Result<ValueId> qwen3(const Keys& keys, Layers& m);
Result<ValueId> qwen3moe(const Keys& keys, Layers& m);
Result<ValueId> gemma3(const Keys& keys, Layers& m);
Result<ValueId> gpt_oss(const Keys& keys, Layers& m);
Result<ValueId> qwen35(const Keys& keys, Layers& m);
Result<ValueId> qwen35moe(const Keys& keys, Layers& m);

struct Architecture {
  std::string_view name;  ///< value of general.architecture
  Recipe recipe;
};

std::span<const Architecture> architectures();

/// The architecture of that name; the error lists the known ones.
Result<Architecture> find_architecture(std::string_view name);

}  // namespace halcyon::model

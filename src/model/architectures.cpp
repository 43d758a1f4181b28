#include "model/architectures.h"

#include <algorithm>
#include <array>

#include "base/quote.h"

namespace halcyon::model {
namespace {

constexpr std::array kArchitectures{
    Architecture{"llama", llama},   Architecture{"qwen2", qwen2},
    Architecture{"qwen3", qwen3},   Architecture{"qwen3moe", qwen3moe},
    Architecture{"gemma3", gemma3}, Architecture{"gpt-oss", gpt_oss},
    Architecture{"qwen35", qwen35}, Architecture{"qwen35moe", qwen35moe},
};

}  // namespace

std::span<const Architecture> architectures() { return kArchitectures; }

Result<Architecture> find_architecture(std::string_view name) {
  const auto found = std::ranges::find(kArchitectures, name, &Architecture::name);
  if (found != kArchitectures.end()) return *found;
  std::string known;
  for (const Architecture& a : kArchitectures)
    known += fmt::format("{}{}", known.empty() ? "" : ", ", a.name);
  return fail("general.architecture: {} is not one that Halcyon can run: {}", quote(name), known);
}

}  // namespace halcyon::model

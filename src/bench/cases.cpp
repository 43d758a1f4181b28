#include "bench/cases.h"

#include <algorithm>

namespace halcyon::bench {
namespace {

std::vector<Case> cases_of(const Lists& lists) {
  std::vector<Case> cases;
  const auto add = [&](Case::Kind kind, const std::vector<int32_t>& lengths, int32_t depth, int32_t n) {
    for (const int32_t n_tokens : lengths)
      if (n_tokens > 0)
        cases.push_back({.kind = kind, .n_tokens = n_tokens, .depth = depth, .n_parallel = n});
  };
  for (const int32_t depth : lists.depth)
    for (const int32_t n_parallel : lists.parallel) {
      add(Case::Kind::prefill, lists.prompt, depth, n_parallel);
      add(Case::Kind::decode, lists.generate, depth, n_parallel);
    }
  return cases;
}

}  // namespace

std::string name_of(const Case& c) {
  std::string name = fmt::format("{}{}", c.kind == Case::Kind::prefill ? "pp" : "tg", c.n_tokens);
  if (c.n_parallel > 1) name += fmt::format(" ×{}", c.n_parallel);
  if (c.depth > 0) name += fmt::format(" @ d{}", c.depth);
  return name;
}

std::string_view name_of(backend::KvType type) {
  switch (type) {
    case backend::KvType::f16:
      return "f16";
    case backend::KvType::f32:
      return "f32";
    case backend::KvType::q8_0:
      return "q8_0";
  }
  return "";
}

Result<std::vector<Group>> cross_product(const Lists& lists) {
  // The number is known before anything is made; in floating point, where no product overflows.
  const auto n = [](const auto& list) { return static_cast<double>(list.size()); };
  const auto used = [](const std::vector<int32_t>& lengths) {
    return static_cast<double>(lengths.size() - static_cast<size_t>(std::ranges::count(lengths, 0)));
  };
  const double total = static_cast<double>(lists.n_models) * n(lists.kv) * n(lists.isa) * n(lists.threads) *
                       n(lists.depth) * n(lists.parallel) * (used(lists.prompt) + used(lists.generate));
  if (total == 0)
    return fail("there is nothing to measure: give prompts with -p, or tokens to generate with -n");
  if (total > static_cast<double>(kMostCases))
    return fail("these lists make {:.0f} cases, {} are the most: measure them in parts", total, kMostCases);

  std::vector<Group> groups;
  for (size_t model = 0; model < lists.n_models; ++model)
    for (const backend::KvType kv : lists.kv)
      for (const std::string& isa : lists.isa)
        for (const int32_t threads : lists.threads)
          groups.push_back({{.model = model, .kv = kv, .isa = isa, .threads = threads}, cases_of(lists)});
  return groups;
}

}  // namespace halcyon::bench

#include "program/planner.h"

#include <algorithm>
#include <numeric>

namespace halcyon::program {
namespace {

constexpr uint64_t kAlignment = 64;  // a cache line, and the widest vector

/// The ops between which a value must keep its place, both included.
struct Lifetime {
  size_t first = 0, last = 0;
  bool overlaps(const Lifetime& other) const { return first <= other.last && other.first <= last; }
};

/// Notes where the ops, told one after the other, write and read each value.
struct LifetimeVisitor {
  std::vector<Lifetime>& lifetimes;
  size_t op = 0;
  void in(ValueId v) { lifetimes[static_cast<size_t>(v)].last = op; }
  void out(ValueId v) { lifetimes[static_cast<size_t>(v)] = {op, op}; }
  void weight(WeightId) {}
  void attribute(std::string_view, auto) {}
};

std::vector<Lifetime> lifetimes_of(const Program& program) {
  std::vector<Lifetime> lifetimes(program.values.size());
  LifetimeVisitor visitor{lifetimes};
  for (const Op& op : program.ops) {
    std::visit([&](const auto& o) { o.visit(visitor); }, op);
    visitor.op++;
  }
  for (const ValueId result : {program.logits, program.hidden})
    if (result != none) visitor.in(result);  // read when the last op has run
  return lifetimes;
}

}  // namespace

Plan plan(const Program& program, int64_t max_tokens, int64_t max_outputs) {
  const std::vector<Lifetime> lifetimes = lifetimes_of(program);
  const size_t n = program.values.size();
  std::vector<uint64_t> size(n);
  for (size_t i = 0; i < n; i++) {
    const Value& value = program.values[i];
    const auto rows = static_cast<uint64_t>(value.rows == Rows::tokens ? max_tokens : max_outputs);
    size[i] = (rows * static_cast<uint64_t>(value.width) * sizeof(float) + kAlignment - 1) / kAlignment *
              kAlignment;
  }

  // The largest first, each into the smallest gap that the values alive at the same time leave: small values
  // then fill the gaps between large ones and do not split the room of those that come later.
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::greater{}, [&](size_t i) { return size[i]; });

  Plan plan{.offset = std::vector<uint64_t>(n), .size = 0};
  std::vector<size_t> placed;  // by offset
  for (const size_t i : order) {
    uint64_t end = 0, best = ~uint64_t{0}, best_gap = ~uint64_t{0};
    for (const size_t j : placed) {
      if (!lifetimes[i].overlaps(lifetimes[j])) continue;
      if (plan.offset[j] >= end + size[i] && plan.offset[j] - end < best_gap) {
        best = end;
        best_gap = plan.offset[j] - end;
      }
      end = std::max(end, plan.offset[j] + size[j]);
    }
    plan.offset[i] = best != ~uint64_t{0} ? best : end;
    plan.size = std::max(plan.size, plan.offset[i] + size[i]);
    placed.insert(
        std::ranges::upper_bound(placed, plan.offset[i], {}, [&](size_t j) { return plan.offset[j]; }), i);
  }
  return plan;
}

}  // namespace halcyon::program

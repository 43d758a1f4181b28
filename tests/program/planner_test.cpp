#include "program/planner.h"

#include <gmock/gmock.h>

#include <random>

#include "tests/program/samples.h"

namespace halcyon::program {
namespace {

constexpr int64_t kMaxTokens = 7, kMaxOutputs = 3;

struct Operands {
  std::vector<ValueId> ins, outs;
  void in(ValueId v) { ins.push_back(v); }
  void out(ValueId v) { outs.push_back(v); }
  void weight(WeightId) {}
  void attribute(std::string_view, auto) {}
};

/// The arena as a step uses it: every word remembers the value that was written there last.
class Arena {
 public:
  Arena(const Program& program, const Plan& plan)
      : program_(program), plan_(plan), owner_(plan.size / 4, none) {}

  std::span<ValueId> place(ValueId v) {
    const Value& value = program_.values[static_cast<size_t>(v)];
    const int64_t words = (value.rows == Rows::tokens ? kMaxTokens : kMaxOutputs) * value.width;
    const uint64_t offset = plan_.offset[static_cast<size_t>(v)];
    EXPECT_EQ(offset % 64, 0u);
    EXPECT_LE(offset / 4 + static_cast<uint64_t>(words), owner_.size());
    return std::span(owner_).subspan(offset / 4, static_cast<size_t>(words));
  }
  void write(ValueId v) { std::ranges::fill(place(v), v); }
  bool intact(ValueId v) {
    return std::ranges::all_of(place(v), [v](ValueId owner) { return owner == v; });
  }

 private:
  const Program& program_;
  const Plan& plan_;
  std::vector<ValueId> owner_;
};

void expect_nothing_is_overwritten(const Program& program, const Plan& plan) {
  Arena arena(program, plan);
  for (const Op& op : program.ops) {
    Operands operands;
    std::visit([&](const auto& o) { o.visit(operands); }, op);
    for (const ValueId v : operands.outs) arena.write(v);
    for (const ValueId v : operands.ins) ASSERT_TRUE(arena.intact(v)) << to_string(program);
    for (const ValueId v : operands.outs) ASSERT_TRUE(arena.intact(v)) << to_string(program);
  }
  EXPECT_TRUE(arena.intact(program.logits));
}

/// Ops over randomly chosen earlier values, so that lifetimes are of all lengths.
Program random_program(std::mt19937& random) {
  const auto below = [&](size_t n) { return static_cast<int64_t>(random() % n); };
  Builder b;
  const WeightId table = b.weight(test::weight("token_embd.weight", {64, 100, 1, 1}));
  std::vector<ValueId> values{b.embed("token_embd", table)};
  std::vector<int64_t> widths{64};
  for (int i = 0; i < 60; i++) {
    const size_t pick = static_cast<size_t>(below(values.size()));
    const ValueId x = values[pick];
    const int64_t width = widths[pick];
    const std::string name = "v" + std::to_string(i);
    const auto add = [&](ValueId v, int64_t w) { values.push_back(v), widths.push_back(w); };
    switch (below(5)) {
      case 0: {
        const int64_t n = 1 + below(90);
        add(b.matmul(name, x, b.weight(test::weight(name + ".weight", {width, n, 1, 1}))), n);
        break;
      }
      case 1:
        add(b.add(name, x, x), width);
        break;
      case 2:
        add(b.sigmoid(name, x), width);
        break;
      case 3:
        add(b.slice(name, x, width, 0, 1), 1);
        break;
      case 4: {
        const auto route = b.moe_route(name, x, width, Gating::softmax_all);
        add(route.ids, width), add(route.weights, width);
        break;
      }
    }
  }
  return *b.finish(b.outputs("outputs", values.back()));
}

TEST(Planner, NoLivingValueIsOverwrittenInRandomPrograms) {
  const uint32_t seed = 20240611;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 200; i++) {
    const Program program = random_program(random);
    expect_nothing_is_overwritten(program, plan(program, kMaxTokens, kMaxOutputs));
    if (HasFatalFailure()) return;
  }
}

TEST(Planner, PlacesAreReused) {
  Builder b;
  ValueId x = b.embed("token_embd", b.weight(test::weight("token_embd.weight", {64, 100, 1, 1})));
  for (int i = 0; i < 50; i++) x = b.sigmoid("x" + std::to_string(i), x);
  const Program program = *b.finish(b.outputs("outputs", x));
  const Plan p = plan(program, kMaxTokens, kMaxOutputs);
  EXPECT_EQ(p.size, 2 * kMaxTokens * 64 * sizeof(float));  // one that is read and one that is written
  expect_nothing_is_overwritten(program, p);
}

TEST(Planner, ValuesOfWantedOutputsAreOnlyAsTallAsThat) {
  const Program program = test::small_program();
  const Plan few = plan(program, kMaxTokens, 1), many = plan(program, kMaxTokens, 1000);
  EXPECT_LT(few.size, many.size);
  EXPECT_GE(many.size, 1000 * 20 * sizeof(float));
}

}  // namespace
}  // namespace halcyon::program

#include <algorithm>

#include "program/program.h"

namespace halcyon::program {
namespace {

/// Collects an op's outputs and arguments as text.
struct PrintVisitor {
  const Program& program;
  std::string outputs, arguments;

  void in(ValueId v) { argument(program.values[static_cast<size_t>(v)].name); }
  void weight(WeightId w) {
    if (w == none) return;
    const Weight& weight = program.weights[static_cast<size_t>(w)];
    argument(fmt::format("{} {} {}", weight.name, quant::name_of(weight.type), to_string(weight.ne)));
  }
  void attribute(std::string_view name, auto number) { argument(fmt::format("{}={}", name, number)); }
  void out(ValueId v) {
    const Value& value = program.values[static_cast<size_t>(v)];
    outputs += fmt::format("{}{} [{}, {}]", outputs.empty() ? "" : ", ", value.name,
                           value.rows == Rows::tokens ? "T" : "outputs", value.width);
  }
  void argument(std::string_view text) {
    arguments += fmt::format("{}{}", arguments.empty() ? "" : ", ", text);
  }
};

}  // namespace

std::string to_string(const std::array<int64_t, 4>& ne) {
  size_t n = ne.size();
  while (n > 1 && ne[n - 1] == 1) n--;
  return fmt::format("{{{}}}", fmt::join(ne.begin(), ne.begin() + static_cast<std::ptrdiff_t>(n), ", "));
}

std::string to_string(const Program& program) {
  struct Line {
    std::string outputs, call;
  };
  std::vector<Line> lines;
  size_t column = 0;
  for (const Op& op : program.ops) {
    PrintVisitor visitor{program, {}, {}};
    const auto name = std::visit([&](const auto& o) { return o.visit(visitor), o.name; }, op);
    column = std::max(column, visitor.outputs.size());
    lines.push_back({std::move(visitor.outputs), fmt::format("{}({})", name, visitor.arguments)});
  }
  std::string text;
  for (const Line& line : lines) text += fmt::format("{:<{}} = {}\n", line.outputs, column, line.call);
  return text;
}

}  // namespace halcyon::program

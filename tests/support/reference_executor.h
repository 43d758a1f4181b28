// The oracle of every backend: programs interpreted op by op in plain loops, over one whole sequence. There
// is no cache, no recurrent state and no batching here; nothing can be wrong but the mathematics. Sums are
// double, values float32.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "program/program.h"

namespace halcyon::test {

/// Evaluates a program, or single ops of one: set `values` of the inputs, run(op), read `values` of the
/// outputs.
class ReferenceExecutor {
 public:
  /// Decodes all weights to float32.
  static Result<ReferenceExecutor> create(const program::Program& program);

  /// Logits [outputs, n_vocab] of a sequence that starts with these tokens. `outputs` are positions; empty:
  /// all of them.
  Result<std::vector<float>> logits(std::span<const int32_t> tokens, std::span<const int32_t> outputs = {});

  /// The value of that name in the last run, [rows, width] as floats; empty if there is none.
  std::span<const float> value(std::string_view name) const;

  // What an op reads besides its values, and the values themselves, by id; MoeRoute's ids are whole numbers
  // here.
  std::vector<int32_t> tokens;   ///< [T]
  std::vector<int32_t> outputs;  ///< positions whose logits are wanted
  std::vector<std::vector<float>> values;

  void run(const program::Embed& op);
  void run(const program::RmsNorm& op);
  void run(const program::L2Norm& op);
  void run(const program::MatMul& op);
  void run(const program::Add& op);
  void run(const program::Slice& op);
  void run(const program::Rope& op);
  void run(const program::Attention& op);
  void run(const program::Glu& op);
  void run(const program::Sigmoid& op);
  void run(const program::SigmoidGate& op);
  void run(const program::Softcap& op);
  void run(const program::MoeRoute& op);
  void run(const program::MoeMatMul& op);
  void run(const program::MoeCombine& op);
  void run(const program::CausalConv& op);
  void run(const program::DeltaDecay& op);
  void run(const program::DeltaNet& op);
  void run(const program::Outputs& op);

 private:
  explicit ReferenceExecutor(const program::Program& program) : program_(&program) {}

  size_t width(program::ValueId v) const;
  size_t rows(program::ValueId v) const;  ///< of a value that is there
  const std::vector<float>& in(program::ValueId v) const;
  std::vector<float>& out(program::ValueId v, size_t rows);  ///< sized for `rows` rows, all 0
  const std::vector<float>& weight(program::WeightId w) const;
  size_t ne(program::WeightId w, size_t dim) const;

  const program::Program* program_;
  std::vector<std::vector<float>> weights_;
};

/// Logits [T, n_vocab] after each of the tokens.
Result<std::vector<float>> reference_logits(const program::Program& program, std::span<const int32_t> tokens);

/// Sum of squared differences over the sum of squares of `expected`.
double nmse(std::span<const float> actual, std::span<const float> expected);

}  // namespace halcyon::test

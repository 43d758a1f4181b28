// The tensors of a file as operands of a program: looked up by name, with the shape that the architecture
// gives them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "gguf/gguf.h"
#include "program/builder.h"

namespace halcyon::model {

/// A shape; missing dimensions are 1.
struct Shape {
  std::array<int64_t, 4> ne{1, 1, 1, 1};
  Shape(int64_t n0, int64_t n1 = 1, int64_t n2 = 1) : ne{n0, n1, n2, 1} {}
};

/// Looks tensors up below a prefix and hands them to a builder. A tensor that is missing or has another shape
/// is a mistake that the builder keeps.
class Weights {
 public:
  Weights(const gguf::File& file, program::Builder& builder) : file_(file), builder_(builder) {}

  /// Names are below "blk.N." from now on, or of the whole model.
  void block(int32_t layer) { prefix_ = fmt::format("blk.{}.", layer); }
  void no_block() { prefix_.clear(); }

  bool has(std::string_view name) const { return file_.find(full(name)) != nullptr; }
  program::WeightId required(std::string_view name, Shape shape);
  program::WeightId optional(std::string_view name, Shape shape);  ///< none if it is not there

  /// Names asked for so far, whether they are there or not.
  const std::unordered_set<std::string>& asked_for() const { return asked_for_; }
  void also_asked_for(const Weights& other) {
    asked_for_.insert(other.asked_for_.begin(), other.asked_for_.end());
  }

 private:
  std::string full(std::string_view name) const { return fmt::format("{}{}", prefix_, name); }

  const gguf::File& file_;
  program::Builder& builder_;
  std::string prefix_;
  std::unordered_set<std::string> asked_for_;
};

/// Fails if the file has a tensor that nobody asked for: a model that ignores a bias computes something else.
/// Tables of rotary embedding, which are read with the hyper-parameters, count as asked for.
Result<void> check_all_used(const gguf::File& file, const std::unordered_set<std::string>& asked_for);

/// The `n` elements of a float32 vector that shapes the program itself.
Result<std::vector<double>> read_vector(const gguf::File& file, std::string_view name, int64_t n);

}  // namespace halcyon::model

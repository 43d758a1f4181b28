// Hyper-parameters as a file states them: typed, with ranges, below the name of the architecture.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gguf/gguf.h"

namespace halcyon::model {

/// What a value may be, both ends included.
struct Range {
  double min = 0, max = 0;
};

/// Reads "ARCH.key" for a given ARCH. Errors name the full key, what was found and what was expected.
class Keys {
 public:
  Keys(const gguf::Metadata& metadata, std::string architecture)
      : metadata_(metadata), architecture_(std::move(architecture)) {}

  const std::string& architecture() const { return architecture_; }
  const gguf::Metadata& metadata() const { return metadata_; }

  bool contains(std::string_view key) const { return metadata_.contains(full(key)); }
  bool is_array(std::string_view key) const;

  Result<int32_t> integer(std::string_view key, Range range) const;
  Result<int32_t> integer_or(std::string_view key, int32_t fallback, Range range) const;
  Result<float> number(std::string_view key, Range range) const;
  Result<float> number_or(std::string_view key, float fallback, Range range) const;
  Result<std::string> string_or(std::string_view key, std::string_view fallback) const;

  /// One number for each of `n` layers: from an array with at least `n` elements, or the same for all from a
  /// scalar.
  Result<std::vector<int32_t>> per_layer(std::string_view key, int32_t n, Range range) const;
  Result<std::vector<int32_t>> per_layer_or(std::string_view key, std::vector<int32_t> fallback,
                                            Range range) const;

  /// The first `n` elements of an array.
  Result<std::vector<int32_t>> array(std::string_view key, int32_t n, Range range) const;

 private:
  std::string full(std::string_view key) const { return fmt::format("{}.{}", architecture_, key); }

  const gguf::Metadata& metadata_;
  std::string architecture_;
};

}  // namespace halcyon::model

#include "model/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace halcyon::model {
namespace {

/// The share of pair `j` that YaRN leaves unscaled: 1 for pairs that turn often within the original context,
/// 0 for those that never complete a turn.
double yarn_unscaled_share(const RopeConfig& rope, double j) {
  constexpr double kBetaFast = 32, kBetaSlow = 1;  // turns
  const auto pair_with_turns = [&](double turns) {
    return rope.n_rot * std::log(rope.n_ctx_orig / (2 * std::numbers::pi * turns)) /
           (2 * std::log(rope.freq_base));
  };
  const double low = std::max(0.0, std::floor(pair_with_turns(kBetaFast)));
  const double high = std::min(rope.n_rot - 1.0, std::ceil(pair_with_turns(kBetaSlow)));
  return 1 - std::clamp((j - low) / std::max(0.001, high - low), 0.0, 1.0);
}

}  // namespace

program::RopeTable rope_table(const RopeConfig& rope, RopePairs pairs) {
  program::RopeTable table{
      .frequency = {}, .magnitude = rope.attn_factor, .interleaved = pairs == RopePairs::interleaved};
  for (int32_t j = 0; j < rope.n_rot / 2; j++) {
    const double divisor = rope.divisors.empty() ? 1 : rope.divisors[static_cast<size_t>(j)];
    const double unscaled = std::pow(rope.freq_base, -2.0 * j / rope.n_rot) / divisor;
    const double share = rope.scaling == RopeScaling::yarn ? yarn_unscaled_share(rope, j) : 0;
    table.frequency.push_back(unscaled / rope.factor * (1 - share) + unscaled * share);
  }
  if (rope.scaling == RopeScaling::yarn) table.magnitude *= 1 + 0.1 * std::log(rope.factor);
  return table;
}

program::RopeTable imrope_table_for_text(const RopeConfig& rope, const std::array<int32_t, 4>& sections) {
  program::RopeTable table = rope_table(rope, RopePairs::half_split);
  const int64_t sum = int64_t{sections[0]} + sections[1] + sections[2] + sections[3];
  for (size_t j = 0; j < table.frequency.size(); j++) {
    const int64_t r = static_cast<int64_t>(j) % sum;
    const bool stream_e = r >= int64_t{3} * sections[static_cast<size_t>(r % 3)];
    if (stream_e) table.frequency[j] = 0;
  }
  return table;
}

}  // namespace halcyon::model

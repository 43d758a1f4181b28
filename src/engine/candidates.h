// The tokens that may come next, and the samplers that leave only some of them: top-k, typical, top-p and
// min-p.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "backend/backend.h"

namespace halcyon::engine {

using backend::Token;

struct Candidate {
  Token id;
  float logit;
};

/// Probabilities are the softmax over the candidates that are left. Every filter leaves at least one. No
/// memory is allocated once the first tokens were sampled.
class Candidates {
 public:
  /// Starts with the `k` tokens of the largest logits [n_vocab], by rank, the lower id first among equals; or
  /// with all, by id. Logits of -inf are never candidates; there must be no NaN and no +inf.
  void assign(std::span<const float> logits, size_t k);

  /// The most typical tokens, those whose information is nearest to the entropy, that together have
  /// probability `p` (arXiv:2202.00666).
  void typical(double p);

  /// The most likely tokens that together have probability `p` (arXiv:1904.09751).
  void top_p(double p);

  /// The tokens at least `p` times as likely as the most likely one (arXiv:2407.01082).
  void min_p(double p);

  /// One token, by probabilities at `temperature` > 0 and a number in [0, 1). There must be one.
  Token draw(double temperature, double uniform);

  bool empty() const { return items_.empty(); }
  std::span<const Candidate> items() const { return items_; }

 private:
  double max_logit() const;

  /// Keeps the first ones in the order `before` whose weights exp(logit - max) add up to the share `p` of
  /// all.
  template <class Before>
  void keep_share(double p, double max, double total, Before before);

  std::vector<Candidate> items_;
  std::vector<double> weights_;
};

}  // namespace halcyon::engine

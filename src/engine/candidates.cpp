#include "engine/candidates.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace halcyon::engine {
namespace {

bool more_likely(const Candidate& a, const Candidate& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

/// exp(logit - max) at temperature 1.
double weight(const Candidate& c, double max) { return std::exp(static_cast<double>(c.logit) - max); }

}  // namespace

void Candidates::assign(std::span<const float> logits, size_t k) {
  items_.clear();
  k = std::clamp<size_t>(k, 1, logits.size());
  // Collects what beats the k-th best so far; whenever that is twice too much, all but the best k are
  // dropped. Few tokens of a large vocabulary get past the first comparison.
  const size_t limit = std::max<size_t>(2 * k, 64);
  float threshold = -std::numeric_limits<float>::infinity();
  const auto drop_all_but_k = [&] {
    std::ranges::nth_element(items_, items_.begin() + static_cast<ptrdiff_t>(k - 1), more_likely);
    items_.resize(k);
    threshold = items_.back().logit;
  };
  for (size_t id = 0; id < logits.size(); ++id) {
    if (!(logits[id] > threshold)) continue;  // NaN, or equal to the k-th best, whose id is lower
    items_.push_back({static_cast<Token>(id), std::min(logits[id], std::numeric_limits<float>::max())});
    if (items_.size() == limit) drop_all_but_k();
  }
  if (items_.size() > k) drop_all_but_k();
  if (k < logits.size()) std::ranges::sort(items_, more_likely);
}

double Candidates::max_logit() const { return std::ranges::max(items_, {}, &Candidate::logit).logit; }

template <class Before>
void Candidates::keep_share(double p, double max, double total, Before before) {
  // A few tokens hold nearly all of the probability, so that sorting grows from the front until it is enough.
  double sum = 0;
  size_t sorted = 0;
  while (sorted < items_.size()) {
    const auto from = items_.begin() + static_cast<ptrdiff_t>(sorted);
    const size_t end = std::min(items_.size(), std::max<size_t>(128, sorted * 4));
    const auto to = items_.begin() + static_cast<ptrdiff_t>(end);
    if (to != items_.end()) std::nth_element(from, to, items_.end(), before);
    std::sort(from, to, before);
    for (; sorted < end; ++sorted) {
      sum += weight(items_[sorted], max);
      if (sum >= p * total) {
        items_.resize(sorted + 1);
        return;
      }
    }
  }
}

void Candidates::typical(double p) {
  const double max = max_logit();
  double total = 0;
  double energy = 0;  // sum of weight * log(weight)
  for (const Candidate& c : items_) {
    const double x = static_cast<double>(c.logit) - max;
    const double w = std::exp(x);
    total += w;
    if (w > 0) energy += w * x;
  }
  // -log p = log(total) - x and the entropy is log(total) - energy / total, so that they differ by:
  const double mean = energy / total;
  const auto distance = [&](const Candidate& c) {
    return std::abs(static_cast<double>(c.logit) - max - mean);
  };
  keep_share(p, max, total, [&](const Candidate& a, const Candidate& b) {
    const double da = distance(a), db = distance(b);
    return da < db || (da == db && more_likely(a, b));
  });
}

void Candidates::top_p(double p) {
  const double max = max_logit();
  double total = 0;
  for (const Candidate& c : items_) total += weight(c, max);
  keep_share(p, max, total, more_likely);
}

void Candidates::min_p(double p) {
  const double least = max_logit() + std::log(p);
  std::erase_if(items_, [&](const Candidate& c) { return static_cast<double>(c.logit) < least; });
}

Token Candidates::draw(double temperature, double uniform) {
  const double max = max_logit();
  weights_.clear();
  double total = 0;
  for (const Candidate& c : items_) {
    weights_.push_back(std::exp((static_cast<double>(c.logit) - max) / temperature));
    total += weights_.back();
  }
  double left = uniform * total;
  size_t chosen = 0;
  for (size_t i = 0; i < items_.size(); ++i) {
    if (weights_[i] == 0) continue;
    chosen = i;  // the last possible one, should rounding leave a rest
    left -= weights_[i];
    if (left < 0) break;
  }
  return items_[chosen].id;
}

}  // namespace halcyon::engine

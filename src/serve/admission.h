// How many requests may be in work or waiting.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace halcyon::serve {

/// One count for each model. Places are given back when their holder is destroyed.
class Admission {
 public:
  Admission(size_t n_models, int32_t places) : places_(places), taken_(n_models) {}

  class Places {
   public:
    Places(std::atomic<int32_t>& taken, int32_t n) : taken_(&taken), n_(n) {}
    Places(Places&& other) noexcept : taken_(std::exchange(other.taken_, nullptr)), n_(other.n_) {}
    Places& operator=(Places&& other) noexcept {
      std::swap(taken_, other.taken_), std::swap(n_, other.n_);
      return *this;
    }
    ~Places() {
      if (taken_) taken_->fetch_sub(n_);
    }

   private:
    std::atomic<int32_t>* taken_;
    int32_t n_;
  };

  /// Takes `n` places of a model; nothing if there are not so many.
  std::optional<Places> enter(size_t model, int32_t n) {
    std::atomic<int32_t>& taken = taken_[model];
    if (taken.fetch_add(n) + n <= places_) return Places(taken, n);
    taken.fetch_sub(n);
    return std::nullopt;
  }

 private:
  const int32_t places_;
  std::vector<std::atomic<int32_t>> taken_;
};

}  // namespace halcyon::serve

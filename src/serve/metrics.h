// GET /metrics, in Prometheus' text format (version 0.0.4).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "energy/ledger.h"
#include "serve/model_store.h"

namespace halcyon::serve {

/// Counters of the server; those of the models are asked for when they are written. Neither wakes anybody.
struct Metrics {
  std::array<std::atomic<uint64_t>, 6> answers{};  ///< by the first digit of their status
  std::function<int64_t()> connections;            ///< open now

  void count(int status) { ++answers[static_cast<size_t>(status / 100) % answers.size()]; }
};

/// `ledger` may be nullptr.
std::string write_metrics(const Metrics& metrics, const ModelStore& models, energy::Ledger* ledger);

}  // namespace halcyon::serve

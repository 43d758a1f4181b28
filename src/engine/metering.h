// The energy of an engine's steps, booked while it works and never while it sleeps.
#pragma once

#include <memory>
#include <utility>

#include "energy/ledger.h"

namespace halcyon::engine {

/// What has gone by since the last charge belongs to the next one, so that sampling counts as well as the
/// model. Without a ledger everything is free.
class Metering {
 public:
  explicit Metering(std::shared_ptr<energy::Ledger> ledger) : ledger_(std::move(ledger)) {}

  /// Work begins, if it has not begun yet.
  void start() {
    if (ledger_ && !std::exchange(running_, true)) ledger_->begin(step_);
  }

  /// The energy since work began or was last charged for.
  energy::Joules charge(const energy::Work& work) {
    if (!ledger_) return {};
    const energy::Joules joules = ledger_->end(step_, work);
    ledger_->begin(step_);
    return joules;
  }

  /// Nothing is left to do.
  void rest() {
    if (std::exchange(running_, false)) ledger_->end(step_, energy::Work{});
  }

  /// Where the figures come from; nullptr: there are none.
  const energy::Ledger* ledger() const { return ledger_.get(); }

 private:
  const std::shared_ptr<energy::Ledger> ledger_;
  energy::Ledger::Step step_;
  bool running_ = false;
};

}  // namespace halcyon::engine

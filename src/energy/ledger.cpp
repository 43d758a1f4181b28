#include "energy/ledger.h"

#include <algorithm>
#include <array>
#include <mutex>

#include "energy/meter.h"

namespace halcyon::energy {
namespace {

constexpr size_t kPhases = 4;
constexpr double kMemory = 60;  // seconds of idleness that the learned baseline goes back
constexpr double kBurst = 1;    // seconds of the baseline that a sensor may lag behind

}  // namespace

std::string_view name_of(Phase phase) {
  switch (phase) {
    case Phase::prefill:
      return "prefill";
    case Phase::decode:
      return "decode";
    case Phase::load:
      return "load";
    case Phase::idle:
      return "idle";
  }
  return "";
}

struct Ledger::State {
  State(Meter opened, std::optional<double> baseline_watts)
      : meter(std::move(opened)), given(baseline_watts), last(meter.read()), billed(meter.billed()) {
    given_for = billed;
    joules.resize(meter.sensors().size());
    window = last;
  }

  /// Books what was used since the last time.
  void advance() {
    Reading now = meter.read();
    const double time = std::chrono::duration<double>(now.at - last.at).count();
    const double share = 1 / static_cast<double>(std::max<size_t>(1, active.size()));
    for (const size_t i : meter.billed()) {
      const double used = (now.joules[i] - last.joules[i]) * share;
      for (Step* step : active) step->joules_[i] += used;
      if (active.empty()) joules[i][index(Phase::idle)] += used;
    }
    if (active.empty()) book_idle(now, time);
    for (Step* step : active) step->seconds_ += time * share;
    if (active.empty()) seconds[index(Phase::idle)] += time;
    last = std::move(now);
    learn();
  }

  /// Adds up what was used above the baseline of that time. It can be less than nothing by the sensors'
  /// noise, but the total never falls.
  void book_idle(const Reading& now, double time) {
    const std::optional<double> watts = baseline();
    if (!watts || billed != meter.billed()) return;
    idle_above += meter.billed_joules(last, now) - *watts * time;
    double& total = above_idle[index(Phase::idle)];
    total = std::max(total, idle_above);
  }

  /// Looks at the idle window, if it is one and long enough.
  void learn() {
    const auto unknown = [this](size_t i) { return !last.watts[i]; };
    if (billed != meter.billed()) {
      billed = meter.billed();
      learned.reset();
      window = last;
    } else if (std::ranges::any_of(billed, unknown)) {
      window = last;
    } else if (active.empty() && last.at - window.at >= meter.settling_time()) {
      const double time = std::chrono::duration<double>(last.at - window.at).count();
      const double watts = meter.measured_joules(window, last) / time;
      const double before = learned.value_or(watts);
      learned = before + (watts - before) * std::min(1.0, time / kMemory);
      window = last;
    }
  }

  std::optional<double> baseline() const {
    const auto measured = [this](size_t i) { return meter.sensors()[i].measured; };
    if (std::ranges::none_of(billed, measured)) return 0;
    return given && billed == given_for ? given : learned;
  }

  /// Takes a step out of work.
  Joules finish(Step& step) {
    advance();
    std::erase(active, &step);
    if (active.empty()) window = last;
    step.ledger_ = nullptr;
    Joules taken;
    for (const double used : step.joules_) taken.gross += used;
    if (const std::optional<double> watts = baseline()) {
      const double above = taken.gross - *watts * step.seconds_ - owed;
      owed = std::clamp(-above, 0.0, *watts * kBurst);
      taken.above_idle = std::max(0.0, above);
    }
    return taken;
  }

  /// Books a share of what a step took.
  void book(const Step& step, const Joules& taken, Phase phase, double share) {
    above_idle[index(phase)] += taken.above_idle.value_or(0) * share;
    for (size_t i = 0; i < joules.size(); ++i) joules[i][index(phase)] += step.joules_[i] * share;
    seconds[index(phase)] += step.seconds_ * share;
  }

  static size_t index(Phase phase) { return static_cast<size_t>(phase); }

  std::mutex mutex;  // of all the others
  Meter meter;
  std::optional<double> given, learned;
  std::vector<size_t> given_for;
  Reading last, window;        // the latest, and that at the beginning of the idle window
  std::vector<size_t> billed;  // as of `last`
  std::vector<Step*> active;
  double owed = 0;  // joules of the baseline that steps have not shown yet
  std::vector<std::array<double, kPhases>> joules;
  std::array<double, kPhases> above_idle{};
  double idle_above = 0;  // of the idle phase, with what the noise takes off
  std::array<double, kPhases> seconds{};
  std::array<uint64_t, kPhases> tokens{};
};

Ledger::Ledger(Meter meter, std::optional<double> baseline_watts)
    : state_(std::make_unique<State>(std::move(meter), baseline_watts)) {}

Ledger::~Ledger() = default;

Ledger::Step::~Step() {
  if (ledger_ != nullptr) ledger_->end(*this, Phase::idle);
}

void Ledger::begin(Step& step) {
  if (step.ledger_ != nullptr) step.ledger_->end(step, Phase::idle);
  const std::lock_guard lock(state_->mutex);
  state_->advance();
  step.ledger_ = this;
  step.joules_.assign(state_->joules.size(), 0);
  step.seconds_ = 0;
  state_->active.push_back(&step);
}

Joules Ledger::end(Step& step, const Work& work) {
  if (work.tokens() == 0) return end(step, Phase::idle);
  if (step.ledger_ != this) return {};
  const std::lock_guard lock(state_->mutex);
  const Joules taken = state_->finish(step);
  const double prefill = static_cast<double>(work.prefill_tokens) / static_cast<double>(work.tokens());
  state_->book(step, taken, Phase::prefill, prefill);
  state_->book(step, taken, Phase::decode, 1 - prefill);
  state_->tokens[State::index(Phase::prefill)] += work.prefill_tokens;
  state_->tokens[State::index(Phase::decode)] += work.decode_tokens;
  return taken;
}

Joules Ledger::end(Step& step, Phase phase) {
  if (step.ledger_ != this) return {};
  const std::lock_guard lock(state_->mutex);
  const Joules taken = state_->finish(step);
  state_->book(step, taken, phase, 1);
  return taken;
}

Ledger::Totals Ledger::totals() {
  const std::lock_guard lock(state_->mutex);
  state_->advance();
  Totals totals;
  totals.idle_watts = state_->baseline();
  for (size_t p = 0; p < kPhases; ++p) {
    const Phase phase = static_cast<Phase>(p);
    PhaseTotal& total = totals.phases[phase];
    total.seconds = state_->seconds[p];
    total.tokens = state_->tokens[p];
    for (size_t i = 0; i < state_->joules.size(); ++i) {
      const double used = state_->joules[i][p];
      if (used > 0) totals.joules[{i, phase}] = used;
      total.joules.gross += used;
    }
    if (totals.idle_watts) total.joules.above_idle = state_->above_idle[p];
  }
  return totals;
}

const Meter& Ledger::meter() const { return state_->meter; }

std::string Ledger::source() const {
  const std::lock_guard lock(state_->mutex);
  return state_->meter.source();
}

bool Ledger::measured() const {
  const std::lock_guard lock(state_->mutex);
  return state_->meter.measured();
}

}  // namespace halcyon::energy

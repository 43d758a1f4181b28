#include "bench/session.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <utility>

#include "base/system.h"
#include "bench/case_run.h"
#include "engine/engine.h"
#include "engine/metering.h"
#include "engine/stopwatch.h"
#include "model/model.h"

namespace halcyon::bench {
namespace {

constexpr int kMostAttempts = 3;

/// Sensors that show power have to be read that often while something goes on (Meter).
constexpr auto kReadEnergy = std::chrono::milliseconds(250);

int32_t most_parallel(const Group& group) {
  return std::ranges::max(group.cases, {}, &Case::n_parallel).n_parallel;
}
int32_t most_positions(const Group& group) {
  return std::ranges::max(group.cases, {}, &Case::positions).positions();
}

/// The energy of the repetitions of a case.
class Account {
 public:
  explicit Account(std::shared_ptr<energy::Ledger> ledger) : metering_(std::move(ledger)) {}

  void start() {
    metering_.start();
    last_ = std::chrono::steady_clock::now();
  }
  void add(int32_t n_tokens, Case::Kind kind) {
    const auto n = static_cast<size_t>(n_tokens);
    (kind == Case::Kind::prefill ? pending_.prefill_tokens : pending_.decode_tokens) += n;
    if (std::chrono::steady_clock::now() - last_ >= kReadEnergy) charge();
  }
  void stop() {
    charge();
    metering_.rest();
  }

  std::optional<Price> price() const {
    if (!metering_.ledger() || n_tokens_ == 0) return std::nullopt;
    const energy::Joules token = joules_ * (1 / static_cast<double>(n_tokens_));
    return Price{.joules = token.gross,
                 .above_idle = token.above_idle,
                 .source = metering_.ledger()->source(),
                 .is_measured = metering_.ledger()->measured()};
  }

 private:
  void charge() {
    if (pending_.tokens() == 0) return;
    joules_ += metering_.charge(pending_);
    n_tokens_ += pending_.tokens();
    pending_ = {};
    last_ = std::chrono::steady_clock::now();
  }

  engine::Metering metering_;
  energy::Joules joules_;
  energy::Work pending_;
  size_t n_tokens_ = 0;
  std::chrono::steady_clock::time_point last_;
};

class Session {
 public:
  Session(const Plan& plan, const Observer& observer, const std::stop_token& stop)
      : plan_(plan), observer_(observer), stop_(stop) {}

  Result<void> run() {
    for (const Group& group : plan_.groups) {
      if (stop_.stop_requested()) return {};
      CHECK_OK(run_group(group));
    }
    return {};
  }

 private:
  /// A model in memory. The device outlives what it compiled.
  struct Loaded {
    std::unique_ptr<backend::Device> device;
    std::unique_ptr<backend::Executable> executable;
    double seconds = 0;
  };

  void show(const std::string& what) const {
    observer_.progress(
        fmt::format("case {} of {}: {}", std::min(n_done_ + 1, plan_.n_cases()), plan_.n_cases(), what));
  }

  Result<Loaded> load(const Group& group) {
    const ModelFile& model = plan_.models[group.setup.model];
    Loaded out;
    TRY(out.device, plan_.open_device(group.setup.threads, group.setup.isa));
    const auto start = std::chrono::steady_clock::now();
    // Rotary embeddings may depend on the context: with the model's own logits are the same in every case.
    TRY(model::Model built, model::build(model.file, model.n_ctx_train));
    const int32_t n_parallel = most_parallel(group);
    const int64_t most_tokens = int64_t{n_parallel} * most_positions(group);
    const backend::CompileOptions options = {
        .n_ctx = most_positions(group),
        .n_seq = n_parallel,
        .n_batch = static_cast<int32_t>(std::clamp<int64_t>(plan_.n_batch, n_parallel, most_tokens)),
        .n_outputs = n_parallel,
        .kv = group.setup.kv,
        .progress = [&](double part) { show(fmt::format("loading {}, {:.0f} %", model.name, part * 100)); }};
    TRY(out.executable, out.device->compile(std::move(built.program), options));
    out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return out;
  }

  Result<void> run_group(const Group& group) {
    const std::string& path = plan_.models[group.setup.model].path;
    Result<Loaded> loaded = load(group);
    if (!loaded) return std::unexpected(std::move(loaded.error()).in(path));
    limits_.reset();
    is_after_load_ = true;
    for (const Case& c : group.cases) {
      if (stop_.stop_requested()) return {};
      Result<std::optional<CaseResult>> result = measure(group, c, *loaded);
      if (!result)
        return std::unexpected(std::move(result.error()).in(fmt::format("{}: {}", path, name_of(c))));
      ++n_done_;
      if (*result) CHECK_OK(observer_.have_result(**result));
    }
    return {};
  }

  Result<void> calibrate(backend::Device& device, const Case& c) {
    show(fmt::format("{}, calibrating", name_of(c)));
    TRY(limits_, device.measure_limits(plan_.calibrate_seconds));
    return {};
  }

  /// The steadiest of the attempts; nothing if it was stopped before there was any repetition.
  Result<std::optional<CaseResult>> measure(const Group& group, const Case& c, Loaded& loaded) {
    std::optional<CaseResult> best;
    for (int attempt = 1; attempt <= kMostAttempts; ++attempt) {
      if (!limits_) CHECK_OK(calibrate(*loaded.device, c));
      CaseResult result = {
          .index = n_done_,
          .n_cases = plan_.n_cases(),
          .setup = group.setup,
          .what = c,
          .n_batch = loaded.executable->options().n_batch,
          .started_at = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))),
          .load_seconds = loaded.seconds,
          .seconds = {},
          .price = {},
          .peak_memory = {},
          .work = {},
          .before = *limits_,
          .after = {}};
      TRY(const bool whole, take(result, group, *loaded.executable));
      if (!whole) {
        if (best || result.seconds.empty()) return best;
        result.is_complete = false;
        return result;
      }
      CHECK_OK(calibrate(*loaded.device, c));
      result.after = *limits_;
      if (best) {  // there is only one first time
        result.cold_seconds = best->cold_seconds;
        result.is_after_load = best->is_after_load;
      }
      if (!best || drift(result.before, *result.after) < drift(best->before, *best->after))
        best = std::move(result);
      best->attempts = attempt;
      if (!is_unsteady(*best) || stop_.stop_requested()) break;
    }
    return best;
  }

  /// Runs the case on sequences of its own. False: it was stopped.
  Result<bool> take(CaseResult& result, const Group& group, backend::Executable& executable) {
    const std::string name = name_of(result.what);
    const bool forgot = forget_peak_memory();
    TRY(CaseRun run, CaseRun::create(executable, result.what, plan_.models[group.setup.model].n_vocab));
    result.work = run.work();
    if (result.what.depth > 0) show(name + ", filling to its depth");
    TRY(bool going, run.fill(stop_));
    if (!going) return false;

    show(name + ", cold");
    engine::Stopwatch watch;
    TRY(going, run.run(stop_));
    if (!going) return false;
    result.cold_seconds = watch.restart().wall_ms / 1e3;
    result.is_after_load = std::exchange(is_after_load_, false);
    CHECK_OK(run.rewind());

    TRY(going, run.run(stop_, {}, true));
    CHECK_OK(run.rewind());
    Account account(plan_.ledger);
    for (int32_t i = 0; going && i < plan_.repetitions; ++i) {
      show(fmt::format("{}, repetition {} of {}", name, i + 1, plan_.repetitions));
      account.start();
      watch.restart();
      TRY(going, run.run(stop_, [&](int32_t n) { account.add(n, result.what.kind); }));
      const engine::Stopwatch::Times taken = watch.restart();
      account.stop();
      if (!going) break;
      result.seconds.push_back(taken.wall_ms / 1e3);
      result.cpu_seconds += taken.cpu_ms / 1e3;
      CHECK_OK(run.rewind());
    }
    result.logits_hash = run.logits_hash();
    result.price = account.price();
    if (forgot) result.peak_memory = peak_memory();
    return going;
  }

  const Plan& plan_;
  const Observer& observer_;
  const std::stop_token stop_;
  std::optional<backend::Limits> limits_;  ///< of the last calibration; none since the model was loaded
  bool is_after_load_ = true;
  size_t n_done_ = 0;
};

Result<void> check_group(const Plan& plan, const Group& group) {
  const ModelFile& model = plan.models[group.setup.model];
  for (const Case& c : group.cases)
    if (c.positions() > model.n_ctx_train)
      return fail("{}: {} takes {} positions, the model's context has {}: use a smaller -p, -n or -d",
                  model.path, name_of(c), c.positions(), model.n_ctx_train);
  const uint64_t needed = engine::memory_needed(model.file, {.n_ctx = most_positions(group),
                                                             .n_parallel = most_parallel(group),
                                                             .kv = group.setup.kv,
                                                             .ledger = nullptr,
                                                             .progress = {}});
  if (const uint64_t available = available_memory(); needed > available)
    return fail(
        "{}: {} MB of memory are needed and {} MB are available: free some, or use a smaller model, "
        "--parallel or -d",
        model.path, needed >> 20, available >> 20);
  return {};
}

}  // namespace

size_t Plan::n_cases() const {
  size_t n = 0;
  for (const Group& group : groups) n += group.cases.size();
  return n;
}

Result<void> check(const Plan& plan) {
  for (const Group& group : plan.groups) CHECK_OK(check_group(plan, group));
  return {};
}

Result<void> run(const Plan& plan, const Observer& observer, const std::stop_token& stop) {
  return Session(plan, observer, stop).run();
}

}  // namespace halcyon::bench

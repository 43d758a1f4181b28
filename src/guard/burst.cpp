#include "guard/burst.h"

#include <sys/resource.h>

#include <boost/asio/post.hpp>
#include <thread>

#include "base/signals.h"
#include "energy/meter.h"

namespace halcyon::guard {
namespace {

/// Of all our children that have ended, in seconds.
double cpu_of_children() {
  rusage used{};
  ::getrusage(RUSAGE_CHILDREN, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

}  // namespace

Result<BurstResult> run_burst(GuardOptions options, BatchOptions batch, energy::SensorOptions sensors,
                              const std::stop_token& stop) {
  options.host = "127.0.0.1";
  options.port = 0;
  for (ServerOptions& server : options.servers)
    server.policy.freeze_after = server.policy.stop_after = kNever;
  // The server is a child of ours, whose CPU time is known to the last tick once it has ended.
  sensors.cpu = {"the server", cpu_of_children};
  energy::Meter meter = energy::Meter::open(sensors);
  const energy::Reading before = meter.read();

  asio::io_context loop(1);
  TRY(std::unique_ptr<Guard> guard, Guard::open(loop, std::move(options)));
  std::stop_source given_up;
  const std::stop_callback stopped(stop, [&given_up] { given_up.request_stop(); });
  std::optional<std::string> failure;
  guard->on_failed = [&](const std::string& why) {
    failure = why;
    given_up.request_stop();
  };
  batch.url.host = "127.0.0.1";
  batch.url.port = guard->port();
  const auto show = std::exchange(batch.progress, {});
  batch.progress = [&](const BatchProgress& progress) {
    meter.read();  // gauges are to be read often
    if (show) show(progress);
  };

  Result<BatchSummary> summary = fail("not run");
  {
    const BlockSignals for_the_thread;
    std::jthread worker([&] {
      summary = run_batch(batch, given_up.get_token());
      asio::post(loop, [&guard] { guard->shut_down(); });
    });
    loop.run();
  }
  const energy::Reading after = meter.read();
  if (failure) return fail("{}", *failure);
  if (!summary) return forward_error(summary);
  return BurstResult{.batch = std::move(*summary),
                     .joules = meter.billed_joules(before, after),
                     .source = meter.source(),
                     .measured = meter.measured(),
                     .seconds = std::chrono::duration<double>(after.at - before.at).count()};
}

}  // namespace halcyon::guard

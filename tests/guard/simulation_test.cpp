// 100,000 histories of a server, each another one, under a clock that does not pass by itself. Run one again
// with HALCYON_SIMULATION_SEED.
#include <gtest/gtest.h>

#include <cstdlib>

#include "guard/turns.h"
#include "tests/guard/simulated_server.h"

namespace halcyon::guard {
namespace {

using test::SimulatedServer;
using test::Simulation;
using test::Trouble;
using namespace std::chrono_literals;

Policy some_policy(Simulation& simulation) {
  Policy policy;
  policy.freeze_after = std::array<Clock::duration, 4>{0s, 1s, 5s, kNever}[simulation.pick(4)];
  policy.stop_after = std::array<Clock::duration, 4>{2s, 10s, 15min, kNever}[simulation.pick(4)];
  policy.verify_after = std::array<Clock::duration, 3>{1s, 30s, kNever}[simulation.pick(3)];
  policy.max_queue = std::array<size_t, 4>{0, 1, 4, 100}[simulation.pick(4)];
  return policy;
}

Trouble some_trouble(Simulation& simulation) {
  if (simulation.chance(0.2)) return {};
  return {.cannot_start = 0.05,
          .dies_early = simulation.chance(0.1) ? 0.9 : 0.1,
          .crash = 0.3,
          .cannot_freeze = 0.1,
          .cannot_thaw = 0.02,
          .works_on = 0.2,
          .burns_on = 0.2};
}

/// Requests in bursts, many of them around the moments at which it is frozen or stopped.
void plan_clients(Simulation& simulation, SimulatedServer& server, const Policy& policy) {
  Time at = simulation.now();
  for (size_t burst = 0, n = 1 + simulation.pick(6); burst < n; ++burst) {
    const bool near_freezing = simulation.chance(0.5) && policy.freeze_after != kNever;
    at += near_freezing ? policy.freeze_after + simulation.between(0ms, 10ms) : simulation.between(0ms, 40s);
    for (size_t i = 0, requests = 1 + simulation.pick(6); i < requests; ++i) {
      simulation.at(at + simulation.between(0ms, 20ms), [&simulation, &server] {
        const auto patience =
            simulation.chance(0.3) ? std::optional(simulation.between(0ms, 10s)) : std::nullopt;
        server.request(patience);
      });
    }
    if (simulation.chance(0.1))
      simulation.at(at + simulation.between(0ms, 6s), [&server] { server.crash(); });
  }
}

void live_through(uint64_t seed) {
  Simulation simulation(seed);
  const Policy policy = some_policy(simulation);
  SimulatedServer server(simulation, policy, some_trouble(simulation));
  if (simulation.chance(0.7)) server.machine().begin(simulation.now());
  plan_clients(simulation, server, policy);
  const bool ends = simulation.chance(0.2);
  if (ends)
    simulation.in(simulation.between(0s, 60s), [&] {
      if (server.machine().in_flight() == 0) server.machine().shut_down(simulation.now());
    });
  simulation.run();
  server.check_that_all_is_settled();
  const State state = server.machine().state();
  if (state == State::starting || state == State::busy) throw std::logic_error("it did not come to rest");
  if (policy.stop_after != kNever && (server.is_awake() || server.is_frozen()))
    throw std::logic_error("it was not stopped");
}

void exclude_each_other(uint64_t seed) {
  Simulation simulation(seed);
  const Policy policy = some_policy(simulation);
  Turns turns([&](std::function<void()> call) { simulation.in(0s, std::move(call)); },
              [&] { return simulation.now(); });
  std::vector<std::unique_ptr<SimulatedServer>> servers;
  const size_t places = 1 + simulation.pick(3);  // in memory
  const auto processes = [&] {
    size_t n = 0;
    for (const auto& server : servers) n += server->machine().has_process();
    return n;
  };
  for (size_t i = 0; i < 3; ++i) {
    servers.push_back(std::make_unique<SimulatedServer>(simulation, policy, some_trouble(simulation), true));
    turns.add({&servers[i]->machine(), [&] { return processes() < places; }});
    servers[i]->on_ask = [&turns, i] { turns.ask(i); };
    servers[i]->on_turn_over = [&turns, i] { turns.over(i); };
    plan_clients(simulation, *servers[i], policy);
  }
  for (Clock::duration t = 0s; t < 4min; t += 777ms)
    simulation.in(t, [&] {
      size_t awake = 0;
      for (const auto& server : servers) awake += server->is_awake();
      if (awake > 1) throw std::logic_error("two are awake that exclude each other");
      if (processes() > places) throw std::logic_error("more are in memory than it holds");
    });
  simulation.run();
  for (const auto& server : servers) server->check_that_all_is_settled();
}

void run_seeds(void (*history)(uint64_t), uint64_t first, uint64_t count) {
  if (const char* only = std::getenv("HALCYON_SIMULATION_SEED")) {
    first = std::strtoull(only, nullptr, 10);
    count = 1;
  }
  for (uint64_t seed = first; seed < first + count; ++seed) {
    try {
      history(seed);
    } catch (const std::logic_error& error) {
      FAIL() << "seed " << seed << ": " << error.what();
    }
  }
}

TEST(Simulation, OneServerNeverForgetsOrStrandsARequest) { run_seeds(live_through, 0, 80'000); }

TEST(Simulation, ServersThatExcludeEachOtherTakeTurns) { run_seeds(exclude_each_other, 0, 20'000); }

}  // namespace
}  // namespace halcyon::guard

#include "tests/guard/simulated_server.h"

namespace halcyon::test {

void Simulation::run() {
  for (size_t steps = 0; !events_.empty(); ++steps) {
    if (steps == 100'000) throw std::logic_error("it does not come to rest");
    const Event event = events_.top();
    events_.pop();
    now_ = event.at;
    event.what();
  }
}

Clock::duration Simulation::between(Clock::duration least, Clock::duration most) {
  return Clock::duration(std::uniform_int_distribution<int64_t>(least.count(), most.count())(random_));
}

SimulatedServer::SimulatedServer(Simulation& simulation, const guard::Policy& policy, const Trouble& trouble,
                                 bool needs_turn)
    : simulation_(simulation), trouble_(trouble), machine_(policy, *this, needs_turn) {}

void SimulatedServer::require(bool condition, const std::string& what) {
  if (!condition) throw std::logic_error(what);
}

void SimulatedServer::request(std::optional<Clock::duration> patience) {
  const RequestId id = ++next_;
  requests_[id] = Fate::waiting;
  machine_.on_request(id, simulation_.now());
  if (patience)
    simulation_.in(*patience, [this, id] {
      if (requests_.at(id) == Fate::over) return;
      ++gone;
      leave(id);
    });
}

void SimulatedServer::leave(RequestId id) {
  requests_.at(id) = Fate::over;
  machine_.on_left(id, simulation_.now());
}

Result<void> SimulatedServer::start() {
  require(!alive_ && end_is_known_, "started while it runs");
  ++starts;
  if (simulation_.chance(trouble_.cannot_start)) return fail("no such command");
  alive_ = true;
  ready_ = frozen_ = ending_ = false;
  const uint64_t generation = ++generation_;
  const bool dies = simulation_.chance(trouble_.dies_early);
  simulation_.in(simulation_.between(10ms, 5s), [this, generation, dies] {
    if (generation != generation_ || !alive_ || ending_) return;
    if (dies) return end("it ended with status 1", 0ms);
    ready_ = true;
    machine_.on_ready(simulation_.now());
    if (simulation_.chance(trouble_.crash))
      simulation_.in(simulation_.between(0ms, 20s), [this, generation] {
        if (generation == generation_) crash();
      });
  });
  return {};
}

void SimulatedServer::crash() {
  if (alive_) end("it was ended by signal 11", simulation_.between(0ms, 50ms));
}

void SimulatedServer::end(const std::string& how, Clock::duration notice) {
  alive_ = ready_ = frozen_ = false;
  end_is_known_ = false;
  // Clients see their connections break, before or after the end of the process is known.
  for (const auto& [id, fate] : requests_)
    if (fate == Fate::passed)
      simulation_.in(simulation_.between(0ms, 60ms), [this, id = id] {
        if (requests_.at(id) != Fate::passed) return;
        ++answered;  // with 502
        leave(id);
      });
  const auto tell = [this, how] {
    end_is_known_ = true;
    machine_.on_ended(how, simulation_.now());
  };
  if (notice == 0ms) return tell();
  simulation_.in(notice, tell);
}

void SimulatedServer::terminate() {
  require(alive_ || !end_is_known_, "told to end while it does not run");
  for (const auto& [id, fate] : requests_)
    require(fate != Fate::passed || !alive_, "stopped with a request in flight");
  frozen_ = false;
  ending_ = true;
  const uint64_t generation = generation_;
  simulation_.in(simulation_.between(0ms, 15s), [this, generation] {
    if (generation == generation_ && alive_) end("it ended with status 0", 1ms);
  });
}

void SimulatedServer::kill() {
  frozen_ = false;
  ending_ = true;
  const uint64_t generation = generation_;
  simulation_.in(1ms, [this, generation] {
    if (generation == generation_ && alive_) end("it was ended by signal 9", 1ms);
  });
}

Result<void> SimulatedServer::freeze() {
  require(is_awake() || !end_is_known_, "frozen while it is not awake");
  for (const auto& [id, fate] : requests_)
    require(fate != Fate::passed || !alive_, "frozen with a request in flight");
  if (simulation_.chance(trouble_.cannot_freeze)) return fail("not allowed");
  frozen_ = alive_;
  return {};
}

Result<void> SimulatedServer::thaw() {
  require(frozen_ || !end_is_known_, "thawed while it is not frozen");
  if (simulation_.chance(trouble_.cannot_thaw)) return fail("not allowed");
  frozen_ = false;
  return {};
}

std::optional<std::string> SimulatedServer::burn_left() {
  require(frozen_ || !end_is_known_, "looked at while it is not frozen");
  if (simulation_.chance(trouble_.burns_on)) return "the GPU is pinned";
  return std::nullopt;
}

void SimulatedServer::pass(RequestId id) {
  require(is_awake() || !end_is_known_, "a request was passed to a server that is not awake");
  require(requests_.at(id) == Fate::waiting, "a request was passed twice");
  for (const auto& [other, fate] : requests_)
    require(other >= id || fate != Fate::waiting, "a request was passed before an earlier one");
  requests_.at(id) = Fate::passed;
  if (!alive_) {  // nobody listens any more
    simulation_.in(60ms, [this, id] {
      if (requests_.at(id) != Fate::passed) return;
      requests_.at(id) = Fate::waiting;
      machine_.on_unsent(id, simulation_.now());
    });
    return;
  }
  const uint64_t generation = generation_;
  simulation_.in(simulation_.between(0ms, 8s), [this, id, generation] {
    if (requests_.at(id) != Fate::passed || generation != generation_ || !alive_) return;
    require(!frozen_, "frozen while it answers");
    ++answered;
    leave(id);
  });
}

void SimulatedServer::refuse(RequestId id, const guard::Refusal& refusal) {
  require(requests_.at(id) == Fate::waiting, "a request was refused that was passed or answered");
  require(refusal.status == 502 || refusal.status == 503, "refused with another status");
  require(!refusal.message.empty(), "refused without a reason");
  requests_.at(id) = Fate::over;
  ++refused;
}

void SimulatedServer::wake_at(std::optional<Time> time) {
  if (time == timer_) return;
  timer_ = time;
  if (!time) return;
  simulation_.at(std::max(*time, simulation_.now()), [this, time] {
    if (timer_ != time) return;
    timer_.reset();
    machine_.on_time(simulation_.now());
  });
}

void SimulatedServer::changed(guard::State from, guard::State to, const std::string&) {
  require(from != to, "no change was reported as one");
}

void SimulatedServer::ask_for_turn() {
  require(static_cast<bool>(on_ask), "asked for a turn that it need not have");
  on_ask();
}

void SimulatedServer::turn_is_over() {
  if (on_turn_over) on_turn_over();
}

void SimulatedServer::check_that_all_is_settled() const {
  for (const auto& [id, fate] : requests_) require(fate == Fate::over, "a request was forgotten");
  require(answered + refused + gone == requests_.size(), "a request has more than one end");
  require(machine_.waiting() == 0 && machine_.in_flight() == 0, "the machine still waits for something");
}

}  // namespace halcyon::test

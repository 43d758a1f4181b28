#include "guard/machine.h"

#include <gmock/gmock.h>

#include "tests/guard/recording_hands.h"

namespace halcyon::guard {
namespace {

using test::RecordingHands;
using testing::ElementsAre;
using testing::StartsWith;
using namespace std::chrono_literals;

/// 5 s to frozen, 15 min to stopped, looked at 30 s after freezing.
const Policy kStandard;

TEST(Machine, StartsTheServerAtOnce) {
  RecordingHands server;
  EXPECT_EQ(server.state(), State::stopped);
  EXPECT_FALSE(server.machine.has_process());
  server.begin();
  EXPECT_EQ(server.did(), "start");
  EXPECT_EQ(server.state(), State::starting);
  EXPECT_TRUE(server.machine.has_process());
  server.wait(2500ms);
  server.ready();
  EXPECT_EQ(server.state(), State::idle);
  EXPECT_EQ(server.why, "ready after 2.5 s");
  EXPECT_EQ(server.machine.restarts(), 0u);
}

TEST(Machine, PassesARequestOnAtOnceWhileTheServerIsAwake) {
  RecordingHands server;
  server.begin_and_be_ready();
  server.request(1);
  server.request(2);
  EXPECT_EQ(server.did(), "pass 1, pass 2");
  EXPECT_EQ(server.state(), State::busy);
  EXPECT_EQ(server.machine.in_flight(), 2u);
  server.left(2);
  EXPECT_EQ(server.state(), State::busy);
  server.left(1);
  EXPECT_EQ(server.state(), State::idle);
  EXPECT_EQ(server.did(), "");
}

TEST(Machine, PassesRequestsInTheirOrderOnceTheServerIsReady) {
  RecordingHands server;
  server.begin();
  server.did();
  server.request(1);
  server.request(2);
  server.request(3);
  EXPECT_EQ(server.machine.waiting(), 3u);
  server.left(2);  // its client has gone
  EXPECT_EQ(server.did(), "");
  server.ready();
  EXPECT_EQ(server.did(), "pass 1, pass 3");
  EXPECT_EQ(server.machine.waiting(), 0u);
  EXPECT_EQ(server.state(), State::busy);
}

TEST(Machine, FreezesAfterSoLongWithoutARequest) {
  RecordingHands server;
  server.begin_and_be_ready();
  server.wait(4999ms);
  EXPECT_EQ(server.did(), "");
  EXPECT_EQ(server.state(), State::idle);
  server.wait(1ms);
  EXPECT_EQ(server.did(), "freeze");
  EXPECT_EQ(server.state(), State::frozen);
  EXPECT_EQ(server.why, "no request for 5.0 s");
}

TEST(Machine, CountsFromTheEndOfTheLastOfSeveralRequests) {
  RecordingHands server;
  server.begin_and_be_ready();
  server.request(1);
  server.request(2);
  server.left(1);
  EXPECT_EQ(server.wake, std::nullopt);
  server.wait(1h);
  server.left(2);
  server.wait(1s);
  EXPECT_EQ(server.looks, 1u);
}

TEST(Machine, CountsFromTheEndOfTheLastRequest) {
  RecordingHands server;
  server.begin_and_be_ready();
  server.wait(4s);
  server.request(1);
  server.wait(20min);  // of prefill, say
  EXPECT_EQ(server.did(), "pass 1");
  EXPECT_EQ(server.wake, std::nullopt);
  server.left(1);
  server.wait(4999ms);
  EXPECT_EQ(server.did(), "");
  server.wait(1ms);
  EXPECT_EQ(server.did(), "freeze");
}

TEST(Machine, NeverFreezesWithARequestInFlight) {
  RecordingHands server;
  server.begin_and_be_ready();
  server.request(1);
  server.request(2);
  server.left(1);
  server.machine.on_time(server.now + 1h);  // a timer that is late
  EXPECT_EQ(server.did(), "pass 1, pass 2");
  EXPECT_EQ(server.state(), State::busy);
}

TEST(Machine, IgnoresATimerThatComesTooEarly) {
  RecordingHands server;
  server.begin_and_be_ready();
  const size_t looks = server.looks;
  server.machine.on_time(server.now + 1ms);
  EXPECT_EQ(server.looks, looks);
  EXPECT_EQ(server.state(), State::idle);
  server.wait(5s);
  server.machine.on_time(server.now + 1ms);
  EXPECT_EQ(server.did(), "freeze");
  EXPECT_EQ(server.looks_at_frozen, 0u);
}

TEST(Machine, ARequestThaws) {
  RecordingHands server;
  server.begin_and_be_ready();
  server.wait(1min);
  EXPECT_EQ(server.did(), "freeze");
  server.request(1);
  EXPECT_EQ(server.did(), "thaw, pass 1");
  EXPECT_EQ(server.state(), State::busy);
  EXPECT_EQ(server.why, "a request");
  server.left(1);
  server.wait(5s);
  EXPECT_EQ(server.did(), "freeze");
  EXPECT_THAT(server.states, ElementsAre(State::starting, State::idle, State::frozen, State::busy,
                                         State::idle, State::frozen));
}

TEST(Machine, SaysSinceWhenItIsInItsState) {
  RecordingHands server;
  server.begin_and_be_ready();
  server.wait(1min);
  EXPECT_EQ(server.machine.state_since(), Time(5s));
}

TEST(Machine, SoonAfterItBecameIdleItLooksForWhatItAlwaysUses) {
  RecordingHands server;
  server.begin_and_be_ready();
  server.wait(1s);
  EXPECT_EQ(server.looks, 1u);
}

TEST(Machine, WorkOfItsOwnPostponesFreezing) {
  RecordingHands server;
  server.begin_and_be_ready();
  server.works = true;
  server.wait(1min);
  EXPECT_EQ(server.did(), "");
  server.works = false;
  server.wait(4s);  // it was at work at the last look, which was less than 5 s ago
  EXPECT_EQ(server.did(), "");
  server.wait(5s);
  EXPECT_EQ(server.did(), "freeze");
}

TEST(Machine, WorkOfItsOwnPostponesStopping) {
  RecordingHands server({.freeze_after = kNever});
  server.begin_and_be_ready();
  server.works = true;
  server.wait(2h);
  EXPECT_EQ(server.did(), "");
  server.works = false;
  server.wait(30min);
  EXPECT_THAT(server.did(), StartsWith("terminate"));
}

TEST(Machine, LooksAtAnIdleServerOnceASecondAtMost) {
  RecordingHands server({.freeze_after = kNever});
  server.begin_and_be_ready();
  server.wait(10min);
  EXPECT_LE(server.looks, 30u);  // the less, the longer there is still time
  EXPECT_GE(server.looks, 4u);
}

TEST(Machine, StopsAfterSoLongWithoutARequest) {
  RecordingHands server;
  server.begin_and_be_ready();
  server.wait(15min - 1ms);
  EXPECT_EQ(server.did(), "freeze");
  server.wait(1ms);
  EXPECT_EQ(server.did(), "terminate");
  EXPECT_EQ(server.why, "told to end: no request for 900 s");
  EXPECT_EQ(server.state(), State::idle) << "until it is gone";
  EXPECT_TRUE(server.machine.has_process());
  server.ended("it ended with status 0");
  EXPECT_FALSE(server.machine.has_process());
  EXPECT_EQ(server.why, "no request for 900 s");
  EXPECT_EQ(server.state(), State::stopped);
  EXPECT_EQ(server.wake, std::nullopt);
  EXPECT_EQ(server.did(), "");
}

TEST(Machine, StopsWithoutFreezingWhenThatComesFirst) {
  RecordingHands server({.freeze_after = 5s, .stop_after = 2s});
  server.begin_and_be_ready();
  server.wait(2s);
  EXPECT_EQ(server.did(), "terminate");
}

TEST(Machine, NeverMeansNever) {
  RecordingHands server({.freeze_after = kNever, .stop_after = kNever});
  server.begin_and_be_ready();
  server.wait(24h * 300);
  EXPECT_EQ(server.did(), "");
  EXPECT_EQ(server.state(), State::idle);

  RecordingHands frozen({.stop_after = kNever, .verify_after = kNever});
  frozen.begin_and_be_ready();
  frozen.wait(24h * 300);
  EXPECT_EQ(frozen.did(), "freeze");
  EXPECT_EQ(frozen.looks_at_frozen, 0u);
  EXPECT_EQ(frozen.wake, std::nullopt);  // not a single wake-up
}

TEST(Machine, ARequestRestartsAStoppedServer) {
  RecordingHands server;
  server.begin_and_be_ready();
  server.wait(15min);
  server.ended("it ended with status 0");
  server.did();
  server.request(1);
  EXPECT_EQ(server.did(), "start");
  EXPECT_EQ(server.state(), State::starting);
  EXPECT_EQ(server.machine.restarts(), 1u);
  server.wait(3s);
  server.ready();
  EXPECT_EQ(server.did(), "pass 1");
  EXPECT_EQ(server.why, "ready after 3.0 s");
}

TEST(Machine, ARequestWaitsForTheEndOfAServerThatIsBeingStopped) {
  RecordingHands server;
  server.begin_and_be_ready();
  server.wait(15min);
  server.did();
  server.request(1);
  EXPECT_EQ(server.did(), "");
  EXPECT_EQ(server.state(), State::starting);
  server.ended("it ended with status 0");
  EXPECT_EQ(server.did(), "start");
  server.ready();
  EXPECT_EQ(server.did(), "pass 1");
}

TEST(Machine, ReadyIsHeardOnlyFromAServerThatStarts) {
  RecordingHands server;
  server.begin_and_be_ready();
  server.wait(15min);
  server.did();
  server.request(1);
  server.ready();  // it answered just before it was told to end
  EXPECT_EQ(server.did(), "");
  EXPECT_EQ(server.state(), State::starting);
}

TEST(Machine, KillsAServerThatIgnoresSigterm) {
  RecordingHands server;
  server.begin_and_be_ready();
  server.wait(15min);
  server.did();
  server.wait(10s - 1ms);
  server.machine.on_time(server.now);
  EXPECT_EQ(server.did(), "");
  server.wait(1ms);
  EXPECT_EQ(server.did(), "kill");
  server.wait(1h);
  EXPECT_EQ(server.did(), "");
  server.ended("it was ended by signal 9");
  EXPECT_EQ(server.state(), State::stopped);
}

TEST(Machine, DoesNotKillAServerThatEndsInTime) {
  RecordingHands server;
  server.begin_and_be_ready();
  server.wait(15min);
  server.wait(9s);
  server.ended("it ended with status 0");
  server.request(1);
  server.did();
  server.wait(5s);
  EXPECT_EQ(server.did(), "");
}

TEST(Machine, LooksWhetherFreezingHelpedAndStopsIfNot) {
  RecordingHands server;
  server.burn = "the GPU is pinned";
  server.begin_and_be_ready();
  server.wait(5s + 30s - 1ms);
  EXPECT_EQ(server.did(), "freeze");
  server.wait(1ms);
  EXPECT_EQ(server.did(), "terminate");
  EXPECT_EQ(server.why, "told to end: freezing does not help: the GPU is pinned");
  EXPECT_EQ(server.state(), State::idle);
}

TEST(Machine, LooksOnceForEachTimeThatItFreezes) {
  RecordingHands server;
  server.begin_and_be_ready();
  server.wait(10min);
  EXPECT_EQ(server.looks_at_frozen, 1u);
  server.request(1);
  server.left(1);
  server.wait(5s + 29s);
  EXPECT_EQ(server.looks_at_frozen, 1u);
  server.wait(1s);
  EXPECT_EQ(server.looks_at_frozen, 2u);
}

TEST(Machine, ForgetsToLookWhenARequestComesFirst) {
  RecordingHands server;
  server.begin_and_be_ready();
  server.wait(5s + 29s);
  server.request(1);
  server.wait(10s);
  server.left(1);
  server.wait(5s + 29s);
  EXPECT_EQ(server.looks_at_frozen, 0u);
}

TEST(Machine, StaysAwakeWhenItCannotFreezeAndIsStoppedInTime) {
  RecordingHands server;
  server.freezes = false;
  server.begin_and_be_ready();
  server.wait(15min - 1ms);
  EXPECT_EQ(server.did(), "freeze, cannot freeze");  // once
  EXPECT_EQ(server.state(), State::idle);
  server.wait(1ms);
  EXPECT_EQ(server.did(), "terminate");
}

TEST(Machine, TriesToFreezeAgainAfterTheNextRequest) {
  RecordingHands server;
  server.freezes = false;
  server.begin_and_be_ready();
  server.wait(1min);
  server.did();
  server.freezes = true;
  server.request(1);
  server.left(1);
  server.wait(5s);
  EXPECT_EQ(server.did(), "pass 1, freeze");
}

TEST(Machine, AServerThatCannotBeThawedIsKilledAndStartedAnew) {
  RecordingHands server;
  server.begin_and_be_ready();
  server.wait(1min);
  server.did();
  server.thaws = false;
  server.request(1);
  EXPECT_EQ(server.did(), "thaw, kill");
  EXPECT_EQ(server.why, "told to end: it can't be thawed: not allowed");
  EXPECT_EQ(server.state(), State::starting);
  server.ended("it was ended by signal 9");
  EXPECT_EQ(server.did(), "start");  // at once: it did not crash
  server.ready();
  EXPECT_EQ(server.did(), "pass 1");
}

TEST(Machine, AServerThatCannotBeThawedIsKilledOnce) {
  RecordingHands server;
  server.begin_and_be_ready();
  server.wait(15min);
  server.ended("it ended with status 0");  // an earlier one, in time
  server.request(1);
  server.ready();
  server.left(1);
  server.wait(1min);
  server.did();
  server.thaws = false;
  server.request(2);
  server.wait(1min);
  EXPECT_EQ(server.did(), "thaw, kill");
}

TEST(Machine, ItsStatesHaveNames) {
  std::vector<std::string_view> names;
  for (const State state :
       {State::starting, State::busy, State::idle, State::frozen, State::stopped, State::failed})
    names.push_back(name_of(state));
  EXPECT_THAT(names, ElementsAre("starting", "busy", "idle", "frozen", "stopped", "failed"));
}

}  // namespace
}  // namespace halcyon::guard

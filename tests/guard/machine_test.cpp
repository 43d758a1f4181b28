#include "guard/machine.h"

#include <gmock/gmock.h>

#include "tests/guard/recording_hands.h"

namespace halcyon::guard {
namespace {

using test::RecordingHands;
using testing::ElementsAre;
using testing::HasSubstr;
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

TEST(Machine, RefusesWhatTheQueueDoesNotHold) {
  RecordingHands server({.max_queue = 2});
  server.begin();
  server.did();
  server.request(1);
  server.request(2);
  server.request(3);
  EXPECT_EQ(server.did(), "refuse 3 with 503");
  EXPECT_EQ(server.refusal.message, "2 requests wait for the server already; --max-queue allows more");
  EXPECT_EQ(server.refusal.retry_after, 10s);
  server.left(1);
  server.request(4);
  server.ready();
  EXPECT_EQ(server.did(), "pass 2, pass 4");
}

TEST(Machine, TheQueueIsOnlyForThoseThatWait) {
  RecordingHands server({.max_queue = 1});
  server.begin_and_be_ready();
  for (RequestId request = 1; request <= 100; ++request) server.request(request);
  EXPECT_EQ(server.machine.in_flight(), 100u);
  EXPECT_THAT(server.did(), testing::Not(HasSubstr("refuse")));
}

TEST(Machine, ACrashIsFollowedByARestartOnTheNextRequest) {
  RecordingHands server;
  server.begin_and_be_ready();
  server.request(1);
  server.did();
  server.ended("it was ended by signal 11");
  EXPECT_EQ(server.did(), "");  // its connection broke: that is what the client of 1 is told
  EXPECT_EQ(server.state(), State::stopped);
  EXPECT_EQ(server.why, "the server is gone: it was ended by signal 11");
  EXPECT_EQ(server.machine.failure(), server.why);
  EXPECT_EQ(server.machine.in_flight(), 0u);
  server.left(1);
  server.wait(1min);
  EXPECT_EQ(server.did(), "");
  server.request(2);
  EXPECT_EQ(server.did(), "start");
  EXPECT_EQ(server.machine.restarts(), 1u);
}

TEST(Machine, EachCrashDoublesTheTimeToTheNextStart) {
  RecordingHands server({.max_crashes = 100, .longest_backoff = 16s});
  server.begin();
  server.request(1);
  server.did();
  for (const Clock::duration pause : {1s, 2s, 4s, 8s, 16s, 16s}) {
    server.ended();
    EXPECT_EQ(server.state(), State::starting);
    server.wait(pause - 1ms);
    EXPECT_EQ(server.did(), "") << pause / 1s;
    server.wait(1ms);
    EXPECT_EQ(server.did(), "start") << pause / 1s;
  }
  server.ready();
  EXPECT_EQ(server.did(), "pass 1");
}

TEST(Machine, ARequestDoesNotShortenTheTimeToTheNextStart) {
  RecordingHands server;
  server.begin_and_be_ready();
  server.ended();
  server.wait(500ms);
  server.request(1);
  server.request(2);
  EXPECT_EQ(server.did(), "");
  server.wait(500ms);
  EXPECT_EQ(server.did(), "start");
}

TEST(Machine, AServerThatStayedUpForLongBeginsAnew) {
  RecordingHands server;
  server.begin_and_be_ready();
  server.request(1);
  for (int i = 0; i < 3; ++i) {  // 1 s, 2 s, 4 s
    server.ended();
    server.request(static_cast<RequestId>(i + 2));
    server.wait(4s);
    server.ready();
  }
  server.did();
  server.wait(61s);
  server.ended();
  server.request(10);
  server.wait(999ms);
  EXPECT_EQ(server.did(), "");
  server.wait(1ms);
  EXPECT_EQ(server.did(), "start");
}

TEST(Machine, AStartThatFailsIsACrash) {
  RecordingHands server;
  server.starts = false;
  server.begin();
  EXPECT_EQ(server.did(), "start");
  EXPECT_EQ(server.state(), State::stopped);
  EXPECT_EQ(server.machine.failure(), "the server is gone: not allowed");
  server.request(1);
  server.starts = true;
  server.wait(1s);
  EXPECT_EQ(server.did(), "start");
  server.ready();
  EXPECT_EQ(server.did(), "pass 1");
}

TEST(Machine, FiveCrashesWithinAMinuteStopTheRestarts) {
  RecordingHands server;
  server.begin();
  server.request(1);
  server.request(2);
  for (int i = 0; i < 4; ++i) {
    server.ended();
    server.wait(8s);
  }
  EXPECT_EQ(server.did(), "start, start, start, start, start");
  server.ended("it ended with status 1");
  EXPECT_EQ(server.did(), "refuse 1 with 502, refuse 2 with 502");
  EXPECT_EQ(server.state(), State::failed);
  EXPECT_EQ(server.why,
            "the server ended 5 times within 60 s, and is left alone for as long; the last time it ended "
            "with status 1");
  EXPECT_EQ(server.refusal.message, server.why);
  EXPECT_EQ(server.refusal.retry_after, 60s);
  EXPECT_FALSE(server.machine.has_process());
}

TEST(Machine, FiveCrashesInMoreThanAMinuteDoNot) {
  RecordingHands server;
  server.begin();
  for (int i = 0; i < 8; ++i) {
    server.wait(16s);
    server.request(static_cast<RequestId>(i));
    server.ended();
    EXPECT_EQ(server.state(), State::starting) << i;
  }
}

/// A server that crashes until it is left alone.
void crash_for_good(RecordingHands& server) {
  server.begin_and_be_ready();
  RequestId request = 1000;
  while (server.state() != State::failed) {
    server.ended();
    server.request(request++);
    server.wait(8s);
  }
  server.did();
}

TEST(Machine, AFailedServerRefusesForAMinute) {
  RecordingHands server;
  server.begin();
  server.starts = false;
  server.ended();
  server.request(1);
  server.wait(15s);  // 1 + 2 + 4 + 8
  EXPECT_EQ(server.state(), State::failed);
  server.did();
  server.wait(19500ms);
  server.request(2);
  EXPECT_EQ(server.did(), "refuse 2 with 502");
  EXPECT_EQ(server.refusal.retry_after, 41s);
  EXPECT_EQ(server.refusal.message, server.machine.failure());
  EXPECT_EQ(server.machine.waiting(), 0u);
}

TEST(Machine, AFailedServerIsTriedAgainAfterAMinute) {
  RecordingHands server;
  crash_for_good(server);
  server.wait(1min);
  EXPECT_EQ(server.did(), "");
  EXPECT_EQ(server.state(), State::failed);
  server.request(1);
  EXPECT_EQ(server.did(), "start");
  // And has as many tries as at first.
  for (const Clock::duration pause : {1s, 2s, 4s, 8s}) {
    server.ended();
    server.wait(pause);
    EXPECT_EQ(server.did(), "start");
  }
  server.ready();
  EXPECT_EQ(server.did(), "pass 1");
}

TEST(Machine, AFailedServerIsNotStartedForARequestThatDidNotReachIt) {
  RecordingHands server({.max_crashes = 1});
  server.begin_and_be_ready();
  server.request(1);
  server.ended();
  EXPECT_EQ(server.state(), State::failed);
  server.did();
  server.unsent(1);
  EXPECT_EQ(server.did(), "refuse 1 with 502");
  EXPECT_EQ(server.machine.waiting(), 0u);
}

TEST(Machine, AFailedStartThatTookLongRefusesThoseThatWaited) {
  RecordingHands server;
  server.begin();
  server.request(1);
  server.did();
  server.wait(10min);
  server.ended("it was not ready within 600 s: it does not listen");
  EXPECT_EQ(server.did(), "refuse 1 with 502");
  EXPECT_EQ(server.refusal.message,
            "the server did not start: it was not ready within 600 s: it does not listen");
  EXPECT_EQ(server.state(), State::stopped);
  server.wait(1min);
  EXPECT_EQ(server.did(), "");
  server.request(2);
  EXPECT_EQ(server.did(), "start");
}

TEST(Machine, AFailedStartThatWasQuickKeepsThoseThatWait) {
  RecordingHands server;
  server.begin();
  server.request(1);
  server.wait(59s);
  server.ended();
  EXPECT_EQ(server.machine.waiting(), 1u);
}

TEST(Machine, AServerThatDiesInItsSleepIsACrash) {
  RecordingHands server;
  server.begin_and_be_ready();
  server.wait(6s);
  server.did();
  server.ended("it was ended by signal 9");
  EXPECT_EQ(server.state(), State::stopped);
  EXPECT_EQ(server.why, "the server is gone: it was ended by signal 9");
  server.wait(1h);
  EXPECT_EQ(server.looks_at_frozen, 0u);
  EXPECT_EQ(server.did(), "");
}

TEST(Machine, RequestsThatDidNotReachTheServerKeepTheirPlace) {
  RecordingHands server;
  server.begin_and_be_ready();
  server.request(1);
  server.request(2);
  server.did();
  server.ended();
  server.request(3);
  server.unsent(2);
  server.unsent(1);
  EXPECT_EQ(server.machine.waiting(), 3u);
  server.wait(1s);
  server.ready();
  EXPECT_EQ(server.did(), "start, pass 1, pass 2, pass 3");
  EXPECT_EQ(server.machine.in_flight(), 3u);
}

TEST(Machine, ARequestThatDidNotReachAServerThatIsAwakeIsPassedAgain) {
  RecordingHands server;
  server.begin_and_be_ready();
  server.request(1);
  server.unsent(1);
  EXPECT_EQ(server.did(), "pass 1, pass 1");
  server.wait(1h);
  EXPECT_EQ(server.did(), "");
  EXPECT_EQ(server.state(), State::busy);
  server.left(1);
  EXPECT_EQ(server.state(), State::idle);
}

TEST(Machine, ARequestThatDidNotReachTheServerWaitsEvenIfTheQueueIsFull) {
  RecordingHands server({.max_queue = 1});
  server.begin_and_be_ready();
  server.request(1);
  server.ended();
  server.request(2);
  server.did();
  server.unsent(1);
  EXPECT_EQ(server.did(), "");
  EXPECT_EQ(server.machine.waiting(), 2u);
}

TEST(Machine, ShuttingDownRefusesAllAndEndsTheServer) {
  RecordingHands server;
  server.begin();
  server.request(1);
  server.did();
  server.shut_down();
  EXPECT_EQ(server.did(), "refuse 1 with 503, terminate");
  EXPECT_EQ(server.why, "told to end: the guard is shutting down");
  server.request(2);
  EXPECT_EQ(server.did(), "refuse 2 with 503");
  EXPECT_EQ(server.refusal.message, "the guard is shutting down");
  server.ended("it ended with status 0");
  server.wait(1h);
  EXPECT_EQ(server.did(), "");
  EXPECT_EQ(server.state(), State::stopped);
}

TEST(Machine, ShuttingDownEndsAFrozenServerAndOneThatIsBusy) {
  RecordingHands frozen;
  frozen.begin_and_be_ready();
  frozen.wait(6s);
  frozen.did();
  frozen.shut_down();
  EXPECT_EQ(frozen.did(), "terminate");

  RecordingHands busy;
  busy.begin_and_be_ready();
  busy.request(1);
  busy.did();
  busy.shut_down();
  EXPECT_EQ(busy.did(), "terminate");
  busy.wait(10s);
  EXPECT_EQ(busy.did(), "kill");
}

TEST(Machine, ShuttingDownDoesNotTellAServerTwice) {
  RecordingHands stopping;
  stopping.begin_and_be_ready();
  stopping.wait(15min);
  stopping.did();
  stopping.shut_down();
  EXPECT_EQ(stopping.did(), "");

  RecordingHands never_started;
  never_started.shut_down();
  EXPECT_EQ(never_started.did(), "");
}

TEST(Machine, ShuttingDownIsNotTheTimeForARestart) {
  RecordingHands server;
  server.begin_and_be_ready();
  server.request(1);
  server.shut_down();
  server.did();
  server.unsent(1);
  EXPECT_EQ(server.did(), "refuse 1 with 503");
  server.ended("it ended with status 0");
  server.wait(1h);
  EXPECT_EQ(server.did(), "");
  EXPECT_EQ(server.machine.waiting(), 0u);
}

TEST(Machine, OneThatExcludesOthersAsksForATurnBeforeItStarts) {
  RecordingHands server({}, true);
  server.begin();
  EXPECT_EQ(server.did(), "");
  EXPECT_FALSE(server.machine.has_turn());
  server.request(1);
  server.request(2);
  EXPECT_EQ(server.did(), "ask for a turn");
  EXPECT_EQ(server.state(), State::starting);
  EXPECT_EQ(server.wake, std::nullopt);
  server.turn();
  EXPECT_EQ(server.did(), "start");
  EXPECT_TRUE(server.machine.has_turn());
  server.ready();
  EXPECT_EQ(server.did(), "pass 1, pass 2");
}

TEST(Machine, ATurnThatNobodyWaitsForAnyMoreStartsNothing) {
  RecordingHands server({}, true);
  server.request(1);
  server.left(1);
  server.did();
  server.turn();
  EXPECT_EQ(server.did(), "");
  server.request(2);
  EXPECT_EQ(server.did(), "start");
}

/// A server that excludes others, has its turn, and is idle.
void begin_with_turn(RecordingHands& server) {
  server.request(1);
  server.turn();
  server.ready();
  server.left(1);
  server.did();
}

TEST(Machine, YieldsByFreezing) {
  RecordingHands server({}, true);
  begin_with_turn(server);
  server.yield(Yield::freeze);
  EXPECT_EQ(server.did(), "freeze, turn is over");
  EXPECT_EQ(server.state(), State::frozen);
  EXPECT_EQ(server.why, "another server's turn");
  server.request(2);
  EXPECT_EQ(server.did(), "ask for a turn");
  EXPECT_EQ(server.state(), State::frozen);
  server.turn();
  EXPECT_EQ(server.did(), "thaw, pass 2");
}

TEST(Machine, YieldsByStopping) {
  RecordingHands server({}, true);
  begin_with_turn(server);
  server.yield(Yield::stop);
  EXPECT_EQ(server.did(), "terminate");
  EXPECT_TRUE(server.machine.has_turn());  // until its memory is free
  server.ended("it ended with status 0");
  EXPECT_EQ(server.did(), "turn is over");
  EXPECT_FALSE(server.machine.has_turn());
}

TEST(Machine, YieldsOnceNothingIsInFlight) {
  RecordingHands server({}, true);
  begin_with_turn(server);
  server.request(2);
  server.request(3);
  server.did();
  server.yield(Yield::freeze);
  EXPECT_EQ(server.did(), "");
  server.request(4);  // waits for the next turn
  server.left(2);
  EXPECT_EQ(server.did(), "");
  EXPECT_EQ(server.machine.waiting(), 1u);
  server.left(3);
  EXPECT_EQ(server.did(), "freeze, turn is over, ask for a turn");
  server.turn();
  EXPECT_EQ(server.did(), "thaw, pass 4");
}

TEST(Machine, YieldsWhenItsLastRequestDidNotReachTheServer) {
  RecordingHands server({}, true);
  begin_with_turn(server);
  server.request(2);
  server.yield(Yield::freeze);
  server.did();
  server.unsent(2);
  EXPECT_EQ(server.did(), "freeze, turn is over, ask for a turn");
  server.turn();
  EXPECT_EQ(server.did(), "thaw, pass 2");
}

TEST(Machine, YieldsAfterAStartAndTheRequestsThatItWasFor) {
  RecordingHands server({}, true);
  server.request(1);
  server.turn();
  server.yield(Yield::freeze);
  EXPECT_EQ(server.did(), "ask for a turn, start");
  server.ready();
  EXPECT_EQ(server.did(), "pass 1");
  server.left(1);
  EXPECT_EQ(server.did(), "freeze, turn is over");
}

TEST(Machine, YieldsByStoppingIfItCannotFreeze) {
  RecordingHands server({}, true);
  begin_with_turn(server);
  server.freezes = false;
  server.yield(Yield::freeze);
  EXPECT_EQ(server.did(), "freeze, cannot freeze, terminate");
  server.ended("it ended with status 0");
  EXPECT_EQ(server.did(), "turn is over");
}

TEST(Machine, AFrozenServerYieldsAtOnceOrIsStoppedForItsMemory) {
  RecordingHands server({}, true);
  begin_with_turn(server);
  server.wait(6s);
  EXPECT_EQ(server.did(), "freeze");
  server.yield(Yield::freeze);
  EXPECT_EQ(server.did(), "turn is over");
  server.yield(Yield::stop);
  EXPECT_EQ(server.did(), "terminate");
  EXPECT_EQ(server.why, "told to end: its memory is needed");
  server.ended("it ended with status 0");
  EXPECT_EQ(server.did(), "turn is over");
}

TEST(Machine, AServerThatIsGoneYieldsAtOnce) {
  RecordingHands stopped({}, true);
  stopped.turn();
  stopped.yield(Yield::freeze);
  EXPECT_EQ(stopped.did(), "turn is over");

  RecordingHands crashed({}, true);
  begin_with_turn(crashed);
  crashed.request(2);
  crashed.yield(Yield::stop);
  crashed.did();
  crashed.ended();
  EXPECT_EQ(crashed.did(), "turn is over");

  RecordingHands failed({.max_crashes = 1}, true);
  begin_with_turn(failed);
  failed.ended();
  EXPECT_EQ(failed.state(), State::failed);
  failed.yield(Yield::freeze);
  EXPECT_EQ(failed.did(), "turn is over");
}

TEST(Machine, DoesNotTakeATurnBeforeItCanUseIt) {
  RecordingHands server({}, true);
  begin_with_turn(server);
  server.request(2);
  server.yield(Yield::freeze);
  server.did();
  server.ended();  // 1 s until the next start
  EXPECT_EQ(server.did(), "turn is over");
  server.unsent(2);
  server.wait(999ms);
  EXPECT_EQ(server.did(), "");
  server.wait(1ms);
  EXPECT_EQ(server.did(), "ask for a turn");
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

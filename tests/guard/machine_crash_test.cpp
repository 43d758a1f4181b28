// What a machine does with a queue, crashes and the end.
#include <gmock/gmock.h>

#include "guard/machine.h"
#include "tests/guard/recording_hands.h"

namespace halcyon::guard {
namespace {

using test::RecordingHands;
using testing::HasSubstr;
using namespace std::chrono_literals;

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

}  // namespace
}  // namespace halcyon::guard

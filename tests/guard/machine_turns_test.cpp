// A machine whose server excludes others.
#include <gmock/gmock.h>

#include "guard/machine.h"
#include "tests/guard/recording_hands.h"

namespace halcyon::guard {
namespace {

using test::RecordingHands;
using namespace std::chrono_literals;

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

}  // namespace
}  // namespace halcyon::guard

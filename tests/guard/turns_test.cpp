#include "guard/turns.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>

#include "tests/guard/recording_hands.h"

namespace halcyon::guard {
namespace {

using test::RecordingHands;
using namespace std::chrono_literals;

/// Four servers of one group, and what was posted.
class TurnsTest : public testing::Test {
 protected:
  TurnsTest() {
    for (size_t i = 0; i < servers.size(); ++i) {
      servers[i] = std::make_unique<RecordingHands>(Policy{.freeze_after = 1h, .stop_after = kNever}, true);
      EXPECT_EQ(turns.add({&servers[i]->machine, [this] { return processes() < places; }}), i);
      servers[i]->on_ask = [this, i] { turns.ask(i); };
      servers[i]->on_over = [this, i] { turns.over(i); };
    }
  }

  size_t processes() const {
    size_t n = 0;
    for (const auto& server : servers) n += server->machine.has_process();
    return n;
  }

  void request(size_t server, RequestId request) {
    servers[server]->now = now;
    servers[server]->request(request);
    run_posted();
  }

  void left(size_t server, RequestId request) {
    servers[server]->now = now;
    servers[server]->left(request);
    run_posted();
  }

  void ready(size_t server) {
    servers[server]->now = now;
    servers[server]->ready();
    run_posted();
  }

  void ended(size_t server) {
    servers[server]->now = now;
    servers[server]->ended("it ended with status 0");
    run_posted();
  }

  /// A first request, its answer, and some time.
  void use(size_t server) {
    request(server, 1);
    if (servers[server]->state() == State::starting) ready(server);
    left(server, 1);
    now += 1min;
    for (const auto& each : servers) each->did();
  }

  std::string did(size_t server) { return servers[server]->did(); }
  State state(size_t server) const { return servers[server]->state(); }

  void run_posted() {
    while (!posted.empty()) {
      const auto call = std::move(posted.front());
      posted.pop_front();
      call();
    }
  }

  Time now{};
  size_t places = 3;  ///< in memory
  std::deque<std::function<void()>> posted;
  Turns turns{[this](std::function<void()> call) { posted.push_back(std::move(call)); },
              [this] { return now; }};
  std::array<std::unique_ptr<RecordingHands>, 4> servers;
};

TEST_F(TurnsTest, TheFirstThatAsksStartsAtOnce) {
  request(1, 1);
  EXPECT_EQ(did(1), "ask for a turn, start");
  EXPECT_TRUE(servers[1]->machine.has_turn());
}

TEST_F(TurnsTest, ATurnIsGivenWhenNoMachineIsInACall) {
  servers[0]->request(1);
  EXPECT_EQ(did(0), "ask for a turn");
  run_posted();
  EXPECT_EQ(did(0), "start");
}

TEST_F(TurnsTest, WhoHasTheTurnIsFrozenForTheNextIfMemoryHoldsBoth) {
  use(0);
  request(1, 1);
  EXPECT_EQ(did(0), "freeze, turn is over");
  EXPECT_EQ(did(1), "ask for a turn, start");
  EXPECT_EQ(state(0), State::frozen);
}

TEST_F(TurnsTest, AndStoppedIfItDoesNot) {
  places = 1;
  use(0);
  request(1, 1);
  EXPECT_EQ(did(0), "terminate");
  EXPECT_EQ(did(1), "ask for a turn");  // until the memory is free
  ended(0);
  EXPECT_EQ(did(0), "turn is over");
  EXPECT_EQ(did(1), "start");
}

TEST_F(TurnsTest, WhatIsInFlightIsAnsweredFirst) {
  use(0);
  request(0, 2);
  request(1, 1);
  EXPECT_EQ(did(0), "pass 2");
  EXPECT_EQ(did(1), "ask for a turn");
  left(0, 2);
  EXPECT_EQ(did(0), "freeze, turn is over");
  EXPECT_EQ(did(1), "start");
}

TEST_F(TurnsTest, TurnsComeInTheOrderInWhichTheyWereAskedFor) {
  for (const size_t server : {0, 1, 2}) use(server);  // all have a process now, 2 the turn
  request(2, 2);
  request(1, 2);
  request(0, 2);
  request(1, 3);
  EXPECT_EQ(did(1) + "; " + did(0), "ask for a turn; ask for a turn");
  left(2, 2);
  EXPECT_EQ(did(2), "pass 2, freeze, turn is over");
  EXPECT_EQ(did(1), "thaw, pass 2, pass 3");
  EXPECT_EQ(did(0), "");
  left(1, 2);
  EXPECT_EQ(did(0), "");
  left(1, 3);
  EXPECT_EQ(did(1), "freeze, turn is over");
  EXPECT_EQ(did(0), "thaw, pass 2");
}

TEST_F(TurnsTest, WhoWasInterruptedGetsTheNextTurnAfterTheOthers) {
  use(0);
  request(0, 2);
  request(1, 1);
  request(0, 3);  // comes while 1 waits
  left(0, 2);
  EXPECT_EQ(did(0), "pass 2, freeze, turn is over, ask for a turn");
  ready(1);
  left(1, 1);
  EXPECT_EQ(did(1), "ask for a turn, start, pass 1, freeze, turn is over");
  EXPECT_EQ(did(0), "thaw, pass 3");
}

TEST_F(TurnsTest, OneThatHasAProcessNeedsNoMemory) {
  places = 2;
  use(0);
  use(1);
  request(0, 2);  // both are in memory, and nothing else would fit
  EXPECT_EQ(did(1), "freeze, turn is over");
  EXPECT_EQ(did(0), "ask for a turn, thaw, pass 2");
}

TEST_F(TurnsTest, ThenTheLongestFrozenAreStoppedUntilThereIsRoom) {
  places = 4;
  for (const size_t server : {2, 1, 3}) use(server);  // 2 lies frozen for longer than 1, and 3 has the turn
  places = 2;
  request(0, 1);
  EXPECT_EQ(did(3), "terminate");
  EXPECT_EQ(did(2), "");
  ended(3);
  EXPECT_EQ(did(2), "terminate");
  EXPECT_EQ(did(0), "ask for a turn");
  ended(2);
  EXPECT_EQ(did(0), "start");
  EXPECT_EQ(did(1), "");
  EXPECT_EQ(state(1), State::frozen);
}

TEST_F(TurnsTest, AFrozenServerThatHasTheTurnIsStoppedFirst) {
  for (const size_t server : {1, 0}) use(server);
  servers[0]->now = now;
  servers[0]->wait(2h);
  now = servers[0]->now;
  EXPECT_EQ(did(0), "freeze");
  places = 2;
  request(2, 1);
  EXPECT_EQ(did(0), "terminate");
  ended(0);
  EXPECT_EQ(did(2), "ask for a turn, start");
  EXPECT_EQ(state(1), State::frozen);
}

TEST_F(TurnsTest, WithoutAnythingToStopItStartsAndTakesItsChance) {
  places = 0;
  request(0, 1);
  EXPECT_EQ(did(0), "ask for a turn, start");
}

TEST_F(TurnsTest, OneIsAskedToYieldAtATime) {
  places = 1;
  use(0);
  request(1, 1);
  request(2, 1);
  EXPECT_EQ(did(0), "terminate");
  ended(0);
  EXPECT_EQ(did(1), "ask for a turn, start");
  EXPECT_EQ(did(2), "ask for a turn");
  ready(1);
  left(1, 1);
  EXPECT_EQ(did(1), "pass 1, terminate");
  ended(1);
  EXPECT_EQ(did(2), "start");
}

}  // namespace
}  // namespace halcyon::guard

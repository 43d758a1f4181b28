#include "serve/model_store.h"

#include <gmock/gmock.h>

#include <condition_variable>

#include "tests/serve/fake_server.h"
#include "tests/support/support.h"

namespace halcyon::serve {
namespace {

using std::chrono::milliseconds;
using Lease = std::shared_ptr<ModelStore::Lease>;

/// Waits for a lease.
Result<Lease> acquire(ModelStore& store, size_t index) {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Result<Lease>> result;
  store.acquire(index, [&](Result<Lease> lease) {
    const std::lock_guard lock(mutex);
    result = std::move(lease);
    changed.notify_one();
  });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return result.has_value(); });
  return std::move(*result);
}

void await_unloaded(ModelStore& store, size_t index) {
  while (store.state(index).loaded) std::this_thread::yield();
}

std::vector<test::FakeModel> models(std::initializer_list<const char*> names) {
  std::vector<test::FakeModel> result;
  for (const char* name : names) {
    result.emplace_back();
    result.back().name = name;
  }
  return result;
}

TEST(ModelStore, FindsModelsByNameWithOrWithoutTag) {
  test::FakeServer server(models({"one", "two"}));
  EXPECT_EQ(server.models().find("two"), 1u);
  EXPECT_EQ(server.models().find("two:latest"), 1u);
  EXPECT_EQ(server.models().find(""), 0u);
  EXPECT_EQ(server.models().find("three"), std::nullopt);
  EXPECT_EQ(server.models().find("two:7b"), std::nullopt);
}

TEST(ModelStore, LoadsOnFirstUseAndOnce) {
  test::FakeServer server(models({"one", "two"}));
  EXPECT_FALSE(server.models().state(1).loaded);
  const Result<Lease> first = acquire(server.models(), 1);
  ASSERT_OK(first);
  EXPECT_GT((*first)->load_seconds(), 0);
  const Result<Lease> second = acquire(server.models(), 1);
  EXPECT_EQ((*second)->load_seconds(), 0);
  EXPECT_EQ(server.loads(), 1);
  EXPECT_EQ(server.models().state(1).uses, 2);
  EXPECT_FALSE(server.models().state(0).loaded);
}

TEST(ModelStore, AModelThatCanNotBeLoadedIsAnErrorAndTriedAgain) {
  test::FakeServer server;
  server.fail_to_load();
  EXPECT_ERROR(acquire(server.models(), 0), "the file is gone");
  EXPECT_ERROR(acquire(server.models(), 0), "the file is gone");
}

TEST(ModelStore, AModelLeavesWhenNobodyWantedItForAWhile) {
  test::FakeServer server({{}}, milliseconds(1));
  {
    const Result<Lease> lease = acquire(server.models(), 0);
    EXPECT_FALSE(server.models().state(0).expires);  // not while it is in use
  }
  await_unloaded(server.models(), 0);
  ASSERT_OK(acquire(server.models(), 0));
  EXPECT_EQ(server.loads(), 2);
}

TEST(ModelStore, ARequestSaysHowLongItStays) {
  test::FakeServer server;
  (*acquire(server.models(), 0))->keep_alive(milliseconds(0));
  await_unloaded(server.models(), 0);
  (*acquire(server.models(), 0))->keep_alive(std::chrono::hours(1));
  EXPECT_TRUE(server.models().state(0).expires);
  (*acquire(server.models(), 0))->keep_alive(std::nullopt);
  EXPECT_FALSE(server.models().state(0).expires);
  EXPECT_TRUE(server.models().state(0).loaded);
}

TEST(ModelStore, TheLeastRecentlyUsedLeavesWhenMemoryWouldNotHold) {
  test::FakeServer server(models({"one", "two", "three"}));
  server.room_for(2);
  ASSERT_OK(acquire(server.models(), 0));
  ASSERT_OK(acquire(server.models(), 1));
  ASSERT_OK(acquire(server.models(), 0));
  ASSERT_OK(acquire(server.models(), 2));
  EXPECT_TRUE(server.models().state(0).loaded);
  EXPECT_FALSE(server.models().state(1).loaded);
}

TEST(ModelStore, WhatIsInUseIsWaitedForAndGetsNoNewUses) {
  test::FakeServer server(models({"one", "two"}));
  server.room_for(1);
  Result<Lease> one = acquire(server.models(), 0);
  std::atomic<bool> two_is_there = false, one_is_back = false;
  server.models().acquire(1, [&](const Result<Lease>& lease) { two_is_there = lease.has_value(); });
  while (!server.models().state(0).leaving) std::this_thread::yield();
  server.models().acquire(0, [&](const Result<Lease>& lease) { one_is_back = lease.has_value(); });
  EXPECT_FALSE(two_is_there);
  one->reset();
  while (!two_is_there || !one_is_back) std::this_thread::yield();
  EXPECT_EQ(server.loads(), 3);
}

TEST(ModelStore, WhoWaitsWhenItEndsIsTold) {
  std::optional<Result<Lease>> result;
  {
    test::FakeServer server(models({"one", "two"}));
    server.room_for(1);
    Result<Lease> one = acquire(server.models(), 0);
    server.models().acquire(1, [&](Result<Lease> lease) { result = std::move(lease); });
  }
  ASSERT_TRUE(result);
}

}  // namespace
}  // namespace halcyon::serve

#include "report/history.h"

#include <gmock/gmock.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "tests/report/sample.h"
#include "tests/support/support.h"

namespace halcyon::report {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

/// A sample that differs from all others by `n`.
Measurement sample(int n) {
  Measurement m = test::full_measurement();
  m.id.clear();
  m.started_at = fmt::format("2026-05-31T{:02}:{:02}:{:02}Z", n / 3600, n / 60 % 60, n % 60);
  return m;
}

class HistoryFile : public testing::Test {
 protected:
  Result<History> open() const { return History::open(file_); }

  /// As another program would.
  void sql(const char* text) const {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(file_.c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, text, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }

  const test::TemporaryDir folder_;
  const std::filesystem::path file_ = folder_.path() / "a" / "b" / "history.db";
};

TEST_F(HistoryFile, KeepsMeasurements) {
  {
    ASSERT_OK_AND_ASSIGN(History history, open());
    ASSERT_OK_AND_ASSIGN(const auto entries, history.list());
    EXPECT_THAT(entries, SizeIs(0));
    ASSERT_OK(history.add(test::full_measurement()));
  }
  ASSERT_OK_AND_ASSIGN(const History history, open());
  ASSERT_OK_AND_ASSIGN(const Measurement m, history.get("20260531-142233-1a2b"));
  EXPECT_EQ(to_text(m), to_text(test::full_measurement()));
}

TEST_F(HistoryFile, ListsTheNewestFirst) {
  ASSERT_OK_AND_ASSIGN(History history, open());
  for (const int n : {2, 3, 1}) ASSERT_OK(history.add(sample(n)));
  ASSERT_OK_AND_ASSIGN(const auto entries, history.list());
  ASSERT_THAT(entries, SizeIs(3));
  for (size_t i = 0; i < 3; ++i) {
    ASSERT_OK_AND_ASSIGN(const Measurement m, entries[i].measurement);
    EXPECT_EQ(m.started_at, fmt::format("2026-05-31T00:00:0{}Z", 3 - i));
    EXPECT_EQ(m.id, entries[i].id);
  }
}

TEST_F(HistoryFile, AddsADocumentOnlyOnce) {
  ASSERT_OK_AND_ASSIGN(History history, open());
  ASSERT_OK_AND_ASSIGN(const auto first, history.add(sample(1)));
  ASSERT_OK_AND_ASSIGN(const auto second, history.add(sample(1)));
  EXPECT_TRUE(first.is_new);
  EXPECT_FALSE(second.is_new);
  EXPECT_EQ(first.id, second.id);
}

TEST_F(HistoryFile, AnIdIsNeverTakenAway) {
  ASSERT_OK_AND_ASSIGN(History history, open());
  Measurement m = test::full_measurement();
  ASSERT_OK(history.add(m));
  m.load_seconds = 28;
  EXPECT_ERROR(history.add(m), HasSubstr("another measurement has the id 20260531-142233-1a2b"));
}

TEST_F(HistoryFile, KeepsNothingThatCouldNotBeReadAgain) {
  ASSERT_OK_AND_ASSIGN(History history, open());
  Measurement m = sample(1);
  m.idle.after_load->seconds = std::nan("");
  EXPECT_ERROR(history.add(m), HasSubstr("idle.after_load.seconds: a number"));
}

TEST_F(HistoryFile, FindsByTheBeginningOfAnId) {
  ASSERT_OK_AND_ASSIGN(History history, open());
  EXPECT_ERROR(history.find("last"), HasSubstr("the history is empty"));
  ASSERT_OK(history.add(sample(0)));
  ASSERT_OK_AND_ASSIGN(const auto newest, history.add(sample(3600)));
  EXPECT_EQ(history.find("20260531-01"), newest.id);
  EXPECT_EQ(history.find(newest.id), newest.id);
  EXPECT_EQ(history.find("last"), newest.id);
  ASSERT_OK_AND_ASSIGN(const auto added_last, history.add(sample(1800)));
  EXPECT_EQ(history.find("last"), added_last.id);
  ASSERT_OK(history.remove(added_last.id));
  EXPECT_ERROR(history.find("20260531"), AllOf(HasSubstr("may be 20260531-000000-"), HasSubstr(newest.id)));
  for (const char* none : {"", "2027", "%", "*", "20260531-01' OR '1'='1", "\xff"})
    EXPECT_ERROR(history.find(none), HasSubstr("'halcyon history' lists them"));
}

TEST_F(HistoryFile, Removes) {
  ASSERT_OK_AND_ASSIGN(History history, open());
  ASSERT_OK_AND_ASSIGN(const auto added, history.add(sample(1)));
  ASSERT_OK(history.remove("last"));
  EXPECT_ERROR(history.get(added.id), HasSubstr("no measurement"));
  EXPECT_ERROR(history.remove(added.id), HasSubstr("no measurement"));
}

TEST_F(HistoryFile, CanBeAskedWithSql) {
  {
    ASSERT_OK_AND_ASSIGN(History history, open());
    ASSERT_OK(history.add(sample(1)));
  }
  sql(R"(CREATE TABLE expected AS SELECT 1 AS one FROM measurements WHERE name = 'HIP' AND dialect = 'llama-server'
         AND model LIKE 'Qwen3%' AND versions ->> 'kernel' = '6.18.4' AND started_at = '2026-05-31T00:00:01Z';
         CREATE TABLE found (n CHECK (n = 1)); INSERT INTO found SELECT count(*) FROM expected)");
}

TEST_F(HistoryFile, OfANewerHalcyonIsRefused) {
  ASSERT_OK(open());
  sql("PRAGMA user_version = 99");
  EXPECT_ERROR(open(), AllOf(HasSubstr("history.db: written by a newer Halcyon"), HasSubstr("version 99")));
}

TEST_F(HistoryFile, OneDocumentThatCannotBeReadHidesNoOther) {
  ASSERT_OK_AND_ASSIGN(History history, open());
  ASSERT_OK(history.add(sample(1)));
  sql(R"(INSERT INTO measurements (id, document) VALUES ('20270101-000000-0000', '{"schema_version": 2}'))");
  ASSERT_OK_AND_ASSIGN(const auto entries, history.list());
  ASSERT_THAT(entries, SizeIs(2));
  EXPECT_ERROR(entries[0].measurement, HasSubstr("20270101-000000-0000: of schema version 2"));
  EXPECT_TRUE(entries[1].measurement);
}

TEST_F(HistoryFile, ADamagedFileSaysWhatToDo) {
  test::write_file(file_, "this is not a database, whatever its name may say");
  EXPECT_ERROR(open(), AllOf(HasSubstr("history.db: file is not a database"), HasSubstr("move it away")));

  std::filesystem::remove(file_);
  {
    ASSERT_OK_AND_ASSIGN(History history, open());
    for (int n = 0; n < 20; ++n) ASSERT_OK(history.add(sample(n)));
  }
  std::string bytes = test::read_file(file_);
  for (size_t i = 4096; i < bytes.size(); ++i) bytes[i] = '\xa5';
  test::write_file(file_, bytes);
  ASSERT_OK_AND_ASSIGN(History history, open());
  EXPECT_ERROR(history.list(), AllOf(HasSubstr("malformed"), HasSubstr("move it away")));
  EXPECT_ERROR(history.add(sample(30)), HasSubstr("move it away"));
}

TEST_F(HistoryFile, APlaceThatCannotBeWrittenSaysWhatToDo) {
  test::write_file(folder_.path() / "file", "");
  EXPECT_ERROR(History::open(folder_.path() / "file" / "history.db"),
               AllOf(HasSubstr("cannot make the folder"), HasSubstr("set XDG_DATA_HOME to another one")));
  std::filesystem::create_directory(folder_.path() / "folder.db");
  EXPECT_ERROR(History::open(folder_.path() / "folder.db"),
               AllOf(HasSubstr("unable to open database file"), HasSubstr("XDG_DATA_HOME")));
}

TEST_F(HistoryFile, AReadOnlyFileCanBeRead) {
  {
    ASSERT_OK_AND_ASSIGN(History history, open());
    ASSERT_OK(history.add(sample(1)));
  }
  if (::geteuid() == 0) GTEST_SKIP() << "root may write every file";
  std::filesystem::permissions(file_, std::filesystem::perms::owner_read);
  ASSERT_OK_AND_ASSIGN(History history, open());
  ASSERT_OK(history.get("last"));
  EXPECT_ERROR(history.add(sample(2)),
               AllOf(HasSubstr("readonly database"), HasSubstr("check who may write it")));
}

/// Runs `body` in a process of its own.
pid_t in_process(const auto& body) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(body() ? 0 : 1);
  return pid;
}

int exit_status(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status;
}

TEST_F(HistoryFile, ManyProcessesMayAddAtTheSameTime) {
  std::vector<pid_t> writers;
  for (int writer = 0; writer < 6; ++writer)
    writers.push_back(in_process([&] {
      for (int n = 0; n < 5; ++n) {
        auto history = open();
        if (!history || !history->add(sample(writer * 100 + n))) return false;
      }
      return true;
    }));
  for (const pid_t writer : writers) EXPECT_EQ(exit_status(writer), 0);
  ASSERT_OK_AND_ASSIGN(const History history, open());
  ASSERT_OK_AND_ASSIGN(const auto entries, history.list());
  EXPECT_THAT(entries, SizeIs(30));
}

TEST_F(HistoryFile, AKilledProcessLeavesWhatItHadAdded) {
  int added[2];
  ASSERT_EQ(::pipe(added), 0);
  int next = 0, acknowledged = 0;
  for (int round = 0; round < 8; ++round) {
    const pid_t writer = in_process([&] {
      auto history = open();
      for (int n = next; history && history->add(sample(n)); ++n)
        if (::write(added[1], "+", 1) != 1) break;
      return false;
    });
    char plus = 0;
    ASSERT_EQ(::read(added[0], &plus, 1), 1);
    ++acknowledged;
    std::this_thread::sleep_for(std::chrono::milliseconds(7 * round));
    ::kill(writer, SIGKILL);
    EXPECT_TRUE(WIFSIGNALED(exit_status(writer)));
    next += 1000;
  }
  ::close(added[1]);
  for (char plus; ::read(added[0], &plus, 1) == 1;) ++acknowledged;
  ::close(added[0]);

  ASSERT_OK_AND_ASSIGN(History history, open());
  ASSERT_OK_AND_ASSIGN(const auto entries, history.list());
  for (const History::Entry& entry : entries) EXPECT_TRUE(entry.measurement) << entry.id;
  // Each kill may have come between the commit and the word of it.
  EXPECT_THAT(int(entries.size()), AllOf(testing::Ge(acknowledged), testing::Le(acknowledged + 8)));
  ASSERT_OK(history.add(sample(40'000)));
}

}  // namespace
}  // namespace halcyon::report

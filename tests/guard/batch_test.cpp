#include "guard/batch.h"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/support/loopback.h"
#include "tests/support/support.h"

namespace halcyon::guard {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

struct Request {
  std::string line;  ///< "POST /v1/chat/completions HTTP/1.1"
  std::string body;
  size_t number;  ///< how many came before
};

std::string reply(int status, std::string_view body) {
  return fmt::format("HTTP/1.1 {} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
                     status, body.size(), body);
}

const std::string kAnswer = R"({"id":"chat-1","usage":{"prompt_tokens":10,"completion_tokens":3}})";

std::string fine(const Request&) { return reply(200, kAnswer); }

/// Serves several connections at once, each with what a function says, and closes them. Nothing: the client
/// waits until it leaves.
class Server {
 public:
  using Answer = std::function<std::string(const Request&)>;

  explicit Server(Answer answer) : answer_(std::move(answer)) {
    url = {.tls = false, .host = "127.0.0.1", .port = socket_.port(), .path = ""};
    for (int i = 0; i < 8; ++i) threads_.emplace_back([this] { serve(); });
  }
  ~Server() {
    socket_.shut_down();
    threads_.clear();
  }
  Server(Server&&) = delete;

  std::vector<std::string> bodies() {
    const std::scoped_lock lock(mutex_);
    return bodies_;
  }
  size_t requests() { return bodies().size(); }

  measure::Url url;

 private:
  void serve() {
    for (int client; (client = socket_.accept()) >= 0; ::close(client)) talk(client);
  }
  void talk(int client) {
    std::string text;
    char piece[4096];
    const auto more = [&] {
      const ssize_t n = ::recv(client, piece, sizeof piece, 0);
      text.append(piece, static_cast<size_t>(std::max<ssize_t>(n, 0)));
      return n > 0;
    };
    while (!text.ends_with(text.starts_with("GET") ? "\r\n\r\n" : "}"))
      if (!more()) return;
    Request request = {
        .line = text.substr(0, text.find('\r')), .body = text.substr(text.find("\r\n\r\n") + 4), .number = 0};
    {
      const std::scoped_lock lock(mutex_);
      request.number = bodies_.size();
      bodies_.push_back(request.body);
    }
    const std::string answer = answer_(request);
    ::send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
    if (answer.empty()) more();
  }

  const Answer answer_;
  const test::LoopbackSocket socket_{64};
  std::mutex mutex_;
  std::vector<std::string> bodies_;
  std::vector<std::jthread> threads_;
};

class BatchTest : public testing::Test {
 protected:
  /// Jobs "0", "1", … whose bodies are {"n":0}, {"n":1}, …
  void write_jobs(int count) {
    std::string text;
    for (int i = 0; i < count; ++i)
      text += fmt::format("{{\"custom_id\":\"{}\",\"url\":\"/v1/chat/completions\",\"body\":{{\"n\":{}}}}}\n",
                          i, i);
    test::write_file(folder.path() / "jobs.jsonl", text);
  }

  BatchOptions options(const measure::Url& url, int32_t parallel = 1) {
    BatchOptions options;
    options.jobs = folder.path() / "jobs.jsonl";
    options.answers = file;
    options.url = url;
    options.parallel = parallel;
    options.back_off = 5ms;
    return options;
  }

  Result<BatchSummary> run(const Server& server, int32_t parallel = 1) {
    return run_batch(options(server.url, parallel), {});
  }
  std::vector<json> lines() {
    std::vector<json> lines;
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
    return lines;
  }
  std::vector<std::string> ids() {
    std::vector<std::string> ids;
    for (const json& line : lines()) ids.push_back(line.at("custom_id"));
    return ids;
  }

  const test::TemporaryDir folder;
  const fs::path file = folder.path() / "answers.jsonl";
};

TEST_F(BatchTest, OneAtATimeGoesInOrder) {
  write_jobs(3);
  Server server(fine);
  ASSERT_OK_AND_ASSIGN(const BatchSummary summary, run(server));
  EXPECT_EQ(summary.ok, 3u);
  EXPECT_FALSE(summary.stopped);
  EXPECT_THAT(ids(), ElementsAre("0", "1", "2"));
  EXPECT_THAT(server.bodies(), ElementsAre(R"({"n":0})", R"({"n":1})", R"({"n":2})"));
  EXPECT_EQ(lines()[0].at("response").at("body"), json::parse(kAnswer));
}

TEST_F(BatchTest, SendsManyAtOnce) {
  write_jobs(8);
  std::atomic<int> at_once = 0;
  std::atomic<bool> several = false, too_many = false;
  Server server([&](const Request& request) {
    const int now = ++at_once;
    if (now > 4) too_many = true;
    if (now > 1) several = true;
    std::this_thread::sleep_for(50ms);
    --at_once;
    return fine(request);
  });
  ASSERT_OK(run(server, 4));
  EXPECT_TRUE(several);
  EXPECT_FALSE(too_many);
}

TEST_F(BatchTest, SendsAGet) {
  test::write_file(folder.path() / "jobs.jsonl", R"({"custom_id":"get","method":"GET","url":"/v1/models"})");
  Server server([](const Request& request) { return reply(200, request.line); });
  ASSERT_OK(run(server));
  EXPECT_EQ(lines().at(0).at("response").at("body"), "GET /v1/models HTTP/1.1");
}

TEST_F(BatchTest, CountsTheTokensOfEveryDialect) {
  write_jobs(4);
  const std::array answers = {kAnswer.c_str(), R"({"timings":{"prompt_n":3,"cache_n":4,"predicted_n":5}})",
                              R"({"prompt_eval_count":10,"eval_count":20})",
                              R"({"usage":{"input_tokens":100,"output_tokens":200},"timings":{}})"};
  Server server([&](const Request& request) { return reply(200, answers.at(request.number)); });
  ASSERT_OK_AND_ASSIGN(const BatchSummary summary, run(server));
  EXPECT_EQ(summary.prompt_tokens, 127u);
  EXPECT_EQ(summary.completion_tokens, 228u);
}

TEST_F(BatchTest, SendsNothingIfALineIsBroken) {
  Server server(fine);
  write_jobs(2);
  test::write_file(folder.path() / "jobs.jsonl", test::read_file(folder.path() / "jobs.jsonl") + "{]");
  EXPECT_ERROR(run(server), HasSubstr("jobs.jsonl, line 3: not JSON"));
  EXPECT_EQ(server.requests(), 0u);
  EXPECT_ERROR(run(server, 0), HasSubstr("at least 1"));
}

TEST_F(BatchTest, TriesAgainWhenTheServerIsBusyOrBreaksOff) {
  write_jobs(1);
  for (const std::string& first :
       {reply(429, "{}"), reply(502, "{}"), reply(503, "{}"), reply(504, "{}"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half\":"), std::string("rubbish")}) {
    fs::remove(file);
    Server server([&](const Request& request) { return request.number < 2 ? first : reply(200, kAnswer); });
    ASSERT_OK(run(server));
    EXPECT_EQ(server.requests(), 3u);
    EXPECT_EQ(lines().at(0).at("response").at("status_code"), 200);
  }
}

TEST_F(BatchTest, GivesUpAfterTheRetriesAndGoesOn) {
  write_jobs(3);
  Server server([](const Request& request) {
    if (request.body == R"({"n":0})") return std::string("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{");
    if (request.body == R"({"n":1})") return reply(503, "loading");
    return reply(200, "{}");
  });
  ASSERT_OK_AND_ASSIGN(const BatchSummary summary, run(server));
  EXPECT_EQ(summary.failed, 2u);
  EXPECT_EQ(summary.ok, 1u);
  EXPECT_EQ(server.requests(), 9u);
  EXPECT_THAT(*summary.first_error,
              AllOf(HasSubstr("job \"0\": POST http://"), HasSubstr("middle of its answer")));
  EXPECT_EQ(lines()[0].at("response"), nullptr);
  EXPECT_EQ(lines()[0].at("error").at("code"), "connection_error");
  EXPECT_EQ(lines()[1].at("response").at("body"), "loading");

  Server well(fine);
  ASSERT_OK_AND_ASSIGN(const BatchSummary again, run(well));
  EXPECT_EQ(again.done_before, 1u);
  EXPECT_EQ(well.requests(), 2u);
  EXPECT_THAT(ids(), ElementsAre("2", "0", "1"));
}

TEST_F(BatchTest, DoesNotRepeatWhatIsRefused) {
  write_jobs(2);
  Server server([](const Request&) { return reply(400, R"({"error":{"message":"no such\nmodel"}})"); });
  ASSERT_OK_AND_ASSIGN(const BatchSummary summary, run(server));
  EXPECT_EQ(summary.refused, 2u);
  EXPECT_EQ(server.requests(), 2u);
  EXPECT_EQ(*summary.first_error, "job \"0\": HTTP 400: no such\\nmodel");
  ASSERT_OK(run(server));
  EXPECT_EQ(server.requests(), 2u);
}

TEST_F(BatchTest, AFullServerIsNoReasonToGiveUpWhileItAnswers) {
  write_jobs(30);
  std::atomic<int> in_work = 0;
  Server server([&](const Request& request) {
    const bool has_room = ++in_work == 1;
    if (has_room) std::this_thread::sleep_for(10ms);
    --in_work;
    return has_room ? fine(request) : reply(503, "full");
  });
  ASSERT_OK_AND_ASSIGN(const BatchSummary summary, run(server, 8));
  EXPECT_EQ(summary.ok, 30u);
  EXPECT_GT(server.requests(), 30u);
}

TEST_F(BatchTest, AnAnswerThatTakesTooLongIsNotAskedForAgain) {
  write_jobs(1);
  Server server([](const Request&) { return std::string(); });
  BatchOptions hasty = options(server.url);
  hasty.timeout = 100ms;
  ASSERT_OK_AND_ASSIGN(const BatchSummary summary, run_batch(hasty, {}));
  EXPECT_EQ(summary.failed, 1u);
  EXPECT_EQ(server.requests(), 1u);
  EXPECT_EQ(lines()[0].at("error").at("code"), "timeout");
}

TEST_F(BatchTest, AStopCancelsWhatRunsAndRecordsNothingOfIt) {
  write_jobs(10);
  std::stop_source stop;
  Server server([&](const Request& request) {
    if (request.number < 3) return reply(200, "{}");
    stop.request_stop();
    return std::string();
  });
  ASSERT_OK_AND_ASSIGN(const BatchSummary summary, run_batch(options(server.url), stop.get_token()));
  EXPECT_TRUE(summary.stopped);
  EXPECT_EQ(summary.ok, 3u);
  EXPECT_THAT(ids(), ElementsAre("0", "1", "2"));
  Server well(fine);
  ASSERT_OK_AND_ASSIGN(const BatchSummary again, run(well, 3));
  EXPECT_EQ(again.done_before, 3u);
  EXPECT_EQ(again.ok, 7u);
  EXPECT_EQ(lines().size(), 10u);
}

TEST_F(BatchTest, AStopEndsTheWaitBeforeARetry) {
  write_jobs(4);
  std::stop_source stop;
  Server server([&](const Request& request) {
    if (request.number == 3) stop.request_stop();
    return reply(503, "{}");
  });
  BatchOptions patient = options(server.url, 4);
  patient.back_off = 1h;
  ASSERT_OK_AND_ASSIGN(const BatchSummary summary, run_batch(patient, stop.get_token()));
  EXPECT_TRUE(summary.stopped);
  EXPECT_EQ(lines().size(), 0u);
}

TEST_F(BatchTest, AFullDiskEndsTheRun) {
  write_jobs(1000);
  Server server(fine);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit = {};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  const rlim_t before = std::exchange(limit.rlim_cur, 2000);
  ::setrlimit(RLIMIT_FSIZE, &limit);
  const Result<BatchSummary> summary = run(server, 4);
  limit.rlim_cur = before;
  ::setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, handler);
  EXPECT_ERROR(summary, AllOf(HasSubstr("answers.jsonl: cannot write: "), HasSubstr("make room")));
  EXPECT_LT(server.requests(), 100u);
  const size_t kept = lines().size();
  EXPECT_GT(kept, 2u);
  ASSERT_OK_AND_ASSIGN(const BatchSummary again, run(server, 4));
  EXPECT_EQ(again.done_before, kept);
  EXPECT_EQ(lines().size(), 1000u);
}

TEST_F(BatchTest, GoesOnAfterItWasKilled) {
  write_jobs(200);
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const pid_t child = ::fork();  // while there are no threads
  if (child == 0) {
    BatchOptions options = this->options({.tls = false, .host = "127.0.0.1", .port = 0, .path = ""}, 4);
    if (::read(pipe[0], &options.url.port, 2) == 2) (void)run_batch(options, {});
    ::_exit(0);
  }
  std::atomic<bool> killed = false;
  Server server([&](const Request& r) { return r.number < 50 || killed ? fine(r) : std::string(); });
  EXPECT_EQ(::write(pipe[1], &server.url.port, 2), 2);
  for (const int end : pipe) ::close(end);
  // Once all of its four requests hang, it has written what it has.
  while (server.requests() < 54) std::this_thread::sleep_for(1ms);
  killed = true;
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(lines().size(), 50u);
  std::ofstream(file, std::ios::app) << R"({"id":"batch_req_1","cus)";  // killed in the middle of a write
  ASSERT_OK_AND_ASSIGN(const BatchSummary summary, run(server, 4));
  EXPECT_EQ(summary.done_before, 50u);
  EXPECT_EQ(lines().size(), 200u);
  EXPECT_THAT(ids(), Contains("199"));
}

TEST_F(BatchTest, SaysHowFarItIs) {
  write_jobs(30);
  Server server([](const Request& request) {
    std::this_thread::sleep_for(50ms);
    return fine(request);
  });
  BatchOptions watched = options(server.url);
  const auto caller = std::this_thread::get_id();
  std::vector<BatchProgress> reports;
  watched.progress = [&](const BatchProgress& progress) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    reports.push_back(progress);
  };
  ASSERT_OK(run_batch(watched, {}));
  ASSERT_GE(reports.size(), 3u);
  EXPECT_EQ(reports.front().total, 30u);
  EXPECT_GT(reports.front().jobs_per_second, 1);
  EXPECT_GT(reports.front().remaining_seconds.value_or(0), 0.1);
  EXPECT_EQ(reports.back().done, 30u);
  EXPECT_EQ(reports.back().remaining_seconds, 0);
  EXPECT_EQ(reports.back().completion_tokens, 90u);
}

TEST_F(BatchTest, TenThousandJobsAreFast) {
  write_jobs(10'000);
  Server server(fine);
  ASSERT_OK_AND_ASSIGN(const BatchSummary summary, run(server, 8));
  EXPECT_EQ(summary.ok, 10'000u);
  EXPECT_LT(summary.seconds, 60);
  ASSERT_OK_AND_ASSIGN(const BatchSummary again, run(server, 8));
  EXPECT_EQ(again.done_before, 10'000u);
  EXPECT_LT(again.seconds, 10);
  EXPECT_EQ(lines().size(), 10'000u);
}

}  // namespace
}  // namespace halcyon::guard

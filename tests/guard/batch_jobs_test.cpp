#include "guard/batch_jobs.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <thread>

#include "tests/support/support.h"

namespace halcyon::guard {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using namespace std::chrono_literals;

class BatchJobsTest : public testing::Test {
 protected:
  Result<BatchJobs> read(std::string_view text) {
    test::write_file(file, text);
    return BatchJobs::read(file);
  }

  const test::TemporaryDir folder;
  const std::filesystem::path file = folder.path() / "prompts.jsonl";
};

/// Standard input is something else while it lives.
class StandardInput {
 public:
  explicit StandardInput(int fd) : before_(::dup(STDIN_FILENO)) { ::dup2(fd, STDIN_FILENO); }
  ~StandardInput() {
    ::dup2(before_, STDIN_FILENO);
    ::close(before_);
  }
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;

 private:
  const int before_;
};

TEST_F(BatchJobsTest, ReadsOpenAisFormat) {
  ASSERT_OK_AND_ASSIGN(
      const BatchJobs jobs,
      read(R"({"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "m"}})"
           "\n"
           R"({"custom_id":"b","url":"/v1/embeddings","body":{"input":["x"]}})"
           "\n"
           R"({"custom_id":"c","method":"GET","url":"/v1/models"})"));
  ASSERT_EQ(jobs.size(), 3u);
  ASSERT_OK_AND_ASSIGN(const BatchJob a, jobs.at(0));
  EXPECT_EQ(a.custom_id, "a");
  EXPECT_EQ(a.url, "/v1/chat/completions");
  EXPECT_EQ(a.body, R"({"model": "m"})");
  EXPECT_FALSE(a.get);
  ASSERT_OK_AND_ASSIGN(const BatchJob b, jobs.at(1));
  EXPECT_FALSE(b.get) << "POST, if nothing is said";
  ASSERT_OK_AND_ASSIGN(const BatchJob c, jobs.at(2));
  EXPECT_TRUE(c.get);
  EXPECT_EQ(c.body, "");
  EXPECT_EQ(jobs.find("b"), 1u);
  EXPECT_EQ(jobs.find("d"), std::nullopt);
}

TEST_F(BatchJobsTest, PassesBodiesOnByteForByte) {
  const std::string body =
      R"({ "z": 1.10, "a": 123456789012345678901234567890, "s": "\u00e9 }\"\\", "n": [{"stream": true}, []] })";
  ASSERT_OK_AND_ASSIGN(const BatchJobs jobs,
                       read(R"({"body": )" + body + R"( , "url":"/x", "custom\u005fid" : "\"q\\"})"));
  ASSERT_OK_AND_ASSIGN(const BatchJob job, jobs.at(0));
  EXPECT_EQ(job.body, body);
  EXPECT_EQ(job.custom_id, R"("q\)");
}

TEST_F(BatchJobsTest, SkipsBlankLinesAndWhatWindowsAdds) {
  ASSERT_OK_AND_ASSIGN(const BatchJobs jobs,
                       read("\xEF\xBB\xBF{\"custom_id\":\"a\",\"url\":\"/x\",\"body\":{}}\r\n\r\n  \n"
                            "{\"custom_id\":\"b\",\"url\":\"/x\",\"body\":{}}\r\n\r\n"));
  EXPECT_EQ(jobs.size(), 2u);
  ASSERT_OK_AND_ASSIGN(const BatchJob job, jobs.at(0));
  EXPECT_EQ(job.custom_id, "a");
}

TEST_F(BatchJobsTest, NamesTheLineAndWhatToDo) {
  const std::string good = R"({"custom_id":"good","url":"/x","body":{}})"
                           "\n\n";
  for (const auto& [line, what] : std::vector<std::pair<std::string, std::string>>{
           {R"({"custom_id":"a",})", "not JSON from column 18 on: write one object per line"},
           {"{\"custom_id\":\"a\"}\1", "not JSON"},
           {std::string("{}\0x", 4), "column 3 is a zero byte"},
           {"[1]", "[1]\" is not a JSON object"},
           {R"({"url":"/x","body":{}})", "\"custom_id\" is missing"},
           {R"({"custom_id":7,"url":"/x","body":{}})", "\"custom_id\" is \"7\": write a string"},
           {R"({"custom_id":")" + std::string(5000, 'x') + "\"}", "has 5000 bytes: at most 4096"},
           {R"({"custom_id":"a","method":"PUT","url":"/x"})", "\"PUT\": only POST and GET"},
           {R"({"custom_id":"a","body":{}})", "\"url\" is missing"},
           {R"({"custom_id":"a","url":"http://x/y","body":{}})", "write the path alone"},
           {R"({"custom_id":"a","url":"/x\r\nHost: y","body":{}})", "write the path alone"},
           {R"({"custom_id":"a","url":"/x"})", "\"body\" is missing"},
           {R"({"custom_id":"a","url":"/x","body":"text"})", "write the object to be sent"},
           {R"({"custom_id":"a","url":"/x","method":"GET","body":{}})", "a GET has no body"},
           {R"({"custom_id":"a","url":"/x","body":{"stream": true}})", "\"stream\" is true"},
           {R"({"custom_id":"a","url":"/api/chat","body":{}})", "put \"stream\": false into the body"},
           {R"({"custom_id":"good","url":"/x","body":{}})", "is that of line 1 too"},
       }) {
    EXPECT_ERROR(read(good + line), AllOf(HasSubstr("prompts.jsonl, line 3: "), HasSubstr(what)));
  }
}

TEST_F(BatchJobsTest, NeedsAFileWithJobs) {
  EXPECT_ERROR(read("\n\n"), HasSubstr("prompts.jsonl: no jobs: write lines like {\"custom_id\""));
  EXPECT_ERROR(BatchJobs::read(folder.path() / "none"),
               HasSubstr("none: cannot open the jobs: No such file"));
  EXPECT_ERROR(BatchJobs::read(folder.path()), HasSubstr("Is a directory"));
}

TEST_F(BatchJobsTest, RefusesALineOfMoreThan64MiB) {
  EXPECT_ERROR(read("\n" + std::string(65 << 20, ' ')), HasSubstr("line 2: longer than 64 MiB"));
  const std::string long_line =
      R"({"custom_id":"a","url":"/x","body":{"s":")" + std::string(4 << 20, 'x') + "\"}}";
  ASSERT_OK_AND_ASSIGN(const BatchJobs jobs, read(long_line));
  ASSERT_OK_AND_ASSIGN(const BatchJob job, jobs.at(0));
  EXPECT_GT(job.body.size(), 4u << 20);
}

TEST_F(BatchJobsTest, SaysSoIfTheFileChanges) {
  ASSERT_OK_AND_ASSIGN(const BatchJobs jobs, read(R"({"custom_id":"a","url":"/x","body":{}})"));
  test::write_file(file, R"({"custom_id":"b","url":"/x","body":{}})");
  EXPECT_ERROR(jobs.at(0), HasSubstr("line 1: the file was changed"));
  test::write_file(file, "");
  EXPECT_ERROR(jobs.at(0), HasSubstr("line 1: the file was changed"));
}

TEST_F(BatchJobsTest, ReadsAPipe) {
  int pipe[2];
  ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
  const StandardInput input(pipe[0]);
  std::jthread writer([&] {
    for (int i = 0; i < 5000; ++i) {
      const std::string line = fmt::format(R"({{"custom_id":"{}","url":"/x","body":{{}}}})"
                                           "\n",
                                           i);
      EXPECT_EQ(::write(pipe[1], line.data(), line.size()), static_cast<ssize_t>(line.size()));
    }
    ::close(pipe[1]);
  });
  ASSERT_OK_AND_ASSIGN(const BatchJobs jobs, BatchJobs::read("-"));
  ::close(pipe[0]);
  EXPECT_EQ(jobs.size(), 5000u);
  ASSERT_OK_AND_ASSIGN(const BatchJob job, jobs.at(4999));
  EXPECT_EQ(job.custom_id, "4999");
}

TEST_F(BatchJobsTest, AStopEndsTheWaitForAPipe) {
  int pipe[2];
  ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
  const StandardInput input(pipe[0]);
  std::stop_source stop;
  std::jthread later([&] {
    std::this_thread::sleep_for(50ms);
    stop.request_stop();
  });
  EXPECT_ERROR(BatchJobs::read("-", stop.get_token()), HasSubstr("stopped"));
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST_F(BatchJobsTest, ReadsAHundredThousandJobs) {
  std::string text;
  for (int i = 0; i < 100'000; ++i)
    text += fmt::format(R"({{"custom_id":"job-{}","url":"/v1/chat/completions","body":{{"messages":[]}}}})"
                        "\n",
                        i);
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_OK_AND_ASSIGN(const BatchJobs jobs, read(text));
  EXPECT_EQ(jobs.size(), 100'000u);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 60s);
}

}  // namespace
}  // namespace halcyon::guard

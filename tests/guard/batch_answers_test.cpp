#include "guard/batch_answers.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "tests/support/support.h"

namespace halcyon::guard {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

BatchAnswer answered(std::string id, int status = 200, std::string body = "{}") {
  return {.custom_id = std::move(id), .status = status, .body = std::move(body), .code = "", .message = ""};
}

BatchAnswer failed(std::string id) {
  return {.custom_id = std::move(id), .status = 0, .body = "", .code = "timeout", .message = "too late"};
}

class BatchAnswersTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string text;
    for (const std::string_view id : {"a", "b", "c", "d"})
      text += fmt::format("{{\"custom_id\":\"{}\",\"url\":\"/x\",\"body\":{{}}}}\n", id);
    test::write_file(folder.path() / "jobs.jsonl", text);
    ASSERT_OK_AND_ASSIGN(jobs, BatchJobs::read(folder.path() / "jobs.jsonl"));
  }

  Result<std::unique_ptr<BatchAnswers>> open() { return BatchAnswers::open(file, jobs); }

  /// Which jobs are finished, once the file is opened with this in it.
  std::string finished_in(std::string_view text) {
    test::write_file(file, text);
    const auto answers = open();
    if (!answers) return answers.error().message;
    std::string finished;
    for (size_t i = 0; i < jobs.size(); ++i)
      if ((*answers)->was_finished(i)) finished += static_cast<char>('a' + i);
    return finished;
  }

  const test::TemporaryDir folder;
  const fs::path file = folder.path() / "answers.jsonl";
  BatchJobs jobs;
};

TEST(ToLine, IsOpenAisFormat) {
  const json line =
      json::parse(to_line(answered("a", 200, "{\n  \"id\": \"chat-1\",\r\n  \"x\": 1.10\n}\n"), "7"));
  EXPECT_EQ(line, json::parse(R"({"id": "batch_req_7", "custom_id": "a", "response": {"status_code": 200,
    "request_id": "chat-1", "body": {"id": "chat-1", "x": 1.1}}, "error": null})"));
  EXPECT_EQ(json::parse(to_line(failed("\"q\n"), "7")),
            json::parse(R"({"id": "batch_req_7", "custom_id": "\"q\n",
    "response": null, "error": {"code": "timeout", "message": "too late"}})"));
}

TEST(ToLine, IsOneLineOfJsonWhateverTheServerSends) {
  for (const std::string& body :
       {std::string("{\n\"x\"\n:\n1.10}"), std::string("<html>\nBad gateway"), std::string("{}\0{", 4),
        std::string("\xff\xfe"), std::string(), std::string("\xEF\xBB\xBF{}"),
        std::string("\"\xE2\x80\xA8\""), std::string(100'000, '['), std::string("{\"id\":7}")}) {
    const std::string line = to_line(answered("a", 500, body), "7");
    EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
    EXPECT_TRUE(json::accept(line)) << line;
  }
  EXPECT_THAT(to_line(answered("a", 200, "{\"x\":\n1.10}"), "7"), HasSubstr(R"("body":{"x": 1.10}})"));
  EXPECT_THAT(to_line(answered("a", 502, "<html>"), "7"), HasSubstr(R"("body":"<html>"})"));
}

TEST(OutcomeOf, TellsWhatIsWorthAnotherTry) {
  for (const int status : {200, 201, 299}) EXPECT_EQ(outcome_of(status), BatchOutcome::kOk);
  for (const int status : {400, 401, 404, 422}) EXPECT_EQ(outcome_of(status), BatchOutcome::kRefused);
  for (const int status : {0, 100, 302, 408, 409, 425, 429, 500, 503})
    EXPECT_EQ(outcome_of(status), BatchOutcome::kFailed);
}

TEST_F(BatchAnswersTest, ResumesAndKeepsOneLinePerJob) {
  {
    ASSERT_OK_AND_ASSIGN(const auto answers, open());
    EXPECT_EQ(answers->count_finished(), 0u);
    for (const BatchAnswer& answer :
         {answered("a"), answered("b", 503), answered("d", 400), failed("c"), answered("b", 500)})
      ASSERT_OK(answers->append(answer));
    ASSERT_OK(answers->sync());
  }
  EXPECT_EQ(::chmod(file.c_str(), 0640), 0);
  test::write_file(folder.path() / "answers.jsonl.resume.tmp", "of a run that was killed");
  const fs::path link = folder.path() / "link";
  fs::create_symlink(file, link);
  {
    ASSERT_OK_AND_ASSIGN(const auto answers, BatchAnswers::open(link, jobs));
    EXPECT_TRUE(answers->was_finished(0));
    EXPECT_TRUE(answers->was_finished(3));
    EXPECT_EQ(answers->count_finished(), 2u);
    ASSERT_OK(answers->append(answered("b")));
    EXPECT_ERROR(open(), HasSubstr("another batch writes it"));  // the new file is locked too
  }
  std::vector<std::string> ids;
  std::istringstream lines(test::read_file(file));
  for (std::string line; std::getline(lines, line);) ids.push_back(json::parse(line).at("custom_id"));
  EXPECT_THAT(ids, ElementsAre("a", "d", "b"));
  EXPECT_FALSE(fs::exists(folder.path() / "answers.jsonl.resume.tmp"));
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(fs::status(file).permissions(), fs::perms(0640));
}

TEST_F(BatchAnswersTest, LeavesAFileWithoutFailuresAsItIs) {
  const std::string text = to_line(answered("a"), "1") + "\n" + to_line(answered("b", 404), "2");
  EXPECT_EQ(finished_in(text), "ab");
  EXPECT_EQ(test::read_file(file), text);
}

TEST_F(BatchAnswersTest, TheLastLineOfAJobCounts) {
  EXPECT_EQ(finished_in(to_line(failed("a"), "1") + to_line(answered("a"), "2")), "a");
  EXPECT_EQ(test::read_file(file), to_line(answered("a"), "2"));
}

TEST_F(BatchAnswersTest, CutsOffATornLineWhereverItIsTorn) {
  const std::string first = to_line(answered("a"), "1"), second = to_line(answered("b"), "2");
  for (size_t length = 0; length < second.size(); ++length) {
    EXPECT_EQ(finished_in(first + second.substr(0, length)), "a") << length;
    EXPECT_EQ(test::read_file(file), first);
  }
  EXPECT_EQ(finished_in(first + std::string(100, '\0')), "a") << "after a power failure";
  EXPECT_EQ(test::read_file(file), first);
  EXPECT_EQ(finished_in(to_line(failed("c"), "1") + first + second.substr(0, 30)), "a") << "and copied";
  EXPECT_EQ(test::read_file(file), first);
}

TEST_F(BatchAnswersTest, LeavesFilesOfOthersAlone) {
  const std::string jobs_text = test::read_file(folder.path() / "jobs.jsonl");
  for (const std::string& text : {std::string("my notes"), std::string("my notes\n"), jobs_text,
                                  to_line(answered("a"), "1") + "{}\n" + to_line(failed("b"), "1")}) {
    EXPECT_THAT(finished_in(text), HasSubstr("is not the answer to a job: give another file with -o"));
    EXPECT_EQ(test::read_file(file), text);
  }
  EXPECT_THAT(finished_in(to_line(failed("a"), "1") + to_line(answered("z"), "1")),
              AllOf(HasSubstr("answers.jsonl, line 2: there is no job \"z\""), HasSubstr("another with -o")));
  EXPECT_ERROR(BatchAnswers::open("/dev/full", jobs), HasSubstr("not a regular file"));
  EXPECT_ERROR(BatchAnswers::open("-", jobs), HasSubstr("give a file"));
  EXPECT_ERROR(BatchAnswers::open(folder.path() / "none/a", jobs), HasSubstr("check its folder"));
}

TEST_F(BatchAnswersTest, TwoRunsNeverWriteOneFile) {
  ASSERT_OK_AND_ASSIGN(auto first, open());
  EXPECT_ERROR(open(), HasSubstr("answers.jsonl: another batch writes it: wait for its end"));
  first.reset();
  ASSERT_OK(open());
}

TEST_F(BatchAnswersTest, AFullDiskLeavesWholeLines) {
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  {
    ASSERT_OK_AND_ASSIGN(const auto answers, open());
    ASSERT_OK(answers->append(answered("a")));
    const rlimit full = {.rlim_cur = static_cast<rlim_t>(fs::file_size(file)) + 50,
                         .rlim_max = before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
    const Result<void> second = answers->append(answered("b"));
    const Result<void> third = answers->append(answered("c"));
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    EXPECT_ERROR(second,
                 AllOf(HasSubstr("answers.jsonl: cannot write: File too large"), HasSubstr("make room")));
    EXPECT_ERROR(third, HasSubstr("cannot write"));
  }
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT(test::read_file(file), testing::EndsWith("}\n"));
  ASSERT_OK_AND_ASSIGN(const auto answers, open());
  EXPECT_EQ(answers->count_finished(), 1u);
}

TEST_F(BatchAnswersTest, AFullDiskLeavesTheOldFileWhenItResumes) {
  const std::string text = to_line(failed("a"), "1") + to_line(answered("b"), "2");
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  test::write_file(file, text);
  const rlimit full = {.rlim_cur = 50, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
  const auto answers = open();
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_ERROR(answers, HasSubstr("nothing was changed"));
  EXPECT_EQ(test::read_file(file), text);
  EXPECT_FALSE(fs::exists(folder.path() / "answers.jsonl.resume.tmp"));
}

}  // namespace
}  // namespace halcyon::guard

#include "guard/answers.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace halcyon::guard {
namespace {

using namespace std::chrono_literals;

serve::HttpRequest get(std::string path, std::vector<std::pair<std::string, std::string>> headers = {}) {
  return {.method = "GET",
          .path = std::move(path),
          .query = "",
          .headers = std::move(headers),
          .body = "",
          .peer = "127.0.0.1"};
}

std::string with_length(std::string_view status, const std::string& body, std::string_view headers = "") {
  return fmt::format("HTTP/1.1 {}\r\n{}Content-Length: {}\r\n\r\n{}", status, headers, body.size(), body);
}

class AnswersTest : public testing::Test {
 protected:
  /// What is found for the path after an answer to it; empty if nothing is.
  std::string found_after(const std::string& answer) {
    Answers one({"/health"});
    one.keep(get("/health"), answer, {});
    const Answers::Answer* found = one.find(get("/health"));
    return found ? fmt::format("{} {}", found->status, found->body) : "";
  }

  Answers answers{{"/health", "/v1/models"}};
};

TEST_F(AnswersTest, AreThoseToGetRequestsForSomePaths) {
  EXPECT_TRUE(answers.keeps(get("/health")));
  EXPECT_FALSE(answers.keeps(get("/healthy")));
  EXPECT_FALSE(answers.keeps(get("/v1/chat/completions")));
  serve::HttpRequest post = get("/health");
  post.method = "POST";
  EXPECT_FALSE(answers.keeps(post));
  answers.keep(get("/health"), with_length("200 OK", "fine"), {});
  EXPECT_EQ(answers.find(post), nullptr);
}

TEST_F(AnswersTest, TheLastOneIsGiven) {
  EXPECT_EQ(answers.find(get("/health")), nullptr);
  const Answers::Clock::time_point start{};
  answers.keep(get("/health"), with_length("200 OK", "first"), start);
  answers.keep(get("/health"), with_length("200 OK", "{}", "Content-Type: application/json\r\n"), start + 7s);
  const Answers::Answer* answer = answers.find(get("/health"));
  ASSERT_NE(answer, nullptr);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->content_type, "application/json");
  EXPECT_EQ(answer->body, "{}");
  EXPECT_EQ(answer->at, start + 7s);
  EXPECT_EQ(answers.find(get("/v1/models")), nullptr);
}

TEST_F(AnswersTest, OneIsOnlyForTheSameCredentials) {
  for (const char* name : {"Authorization", "X-Api-Key", "Cookie"}) {
    Answers fresh({"/health"});
    fresh.keep(get("/health", {{name, "secret"}}), with_length("200 OK", "fine"), {});
    EXPECT_NE(fresh.find(get("/health", {{name, "secret"}})), nullptr) << name;
    EXPECT_EQ(fresh.find(get("/health", {{name, "guess"}})), nullptr) << name;
    EXPECT_EQ(fresh.find(get("/health")), nullptr) << name;
  }
  answers.keep(get("/health"), with_length("200 OK", "for all"), {});
  EXPECT_EQ(answers.find(get("/health", {{"Authorization", "secret"}})), nullptr);
}

TEST_F(AnswersTest, OneIsOnlyForTheSameQuery) {
  serve::HttpRequest slow = get("/health");
  slow.query = "fail_on_no_slot=1";
  answers.keep(slow, with_length("200 OK", "fine"), {});
  EXPECT_EQ(answers.find(get("/health")), nullptr);
  EXPECT_NE(answers.find(slow), nullptr);
}

TEST_F(AnswersTest, ErrorsOfTheMomentAreNotKept) {
  EXPECT_EQ(found_after(with_length("503 Loading", "no")), "");
  EXPECT_EQ(found_after(with_length("500 Error", "no")), "");
  EXPECT_EQ(found_after(with_length("501 Not Implemented", "--metrics")), "501 --metrics");
  EXPECT_EQ(found_after(with_length("404 Not Found", "what?")), "404 what?");
}

TEST_F(AnswersTest, AnErrorOfTheMomentDoesNotTakeTheLastGoodOne) {
  answers.keep(get("/health"), with_length("200 OK", "fine"), {});
  answers.keep(get("/health"), with_length("503 Busy", "no"), {});
  ASSERT_NE(answers.find(get("/health")), nullptr);
  EXPECT_EQ(answers.find(get("/health"))->body, "fine");
}

TEST_F(AnswersTest, AnswersToPartsAndConditionsAreNotKept) {
  EXPECT_EQ(found_after("HTTP/1.1 304 Not Modified\r\n\r\n"), "");
  EXPECT_EQ(found_after(with_length("206 Partial Content", "in")), "");
}

TEST_F(AnswersTest, CompressedOnesAreNotKept) {
  EXPECT_EQ(found_after(with_length("200 OK", "\x1f\x8b", "Content-Encoding: gzip\r\n")), "");
}

TEST_F(AnswersTest, ChunksAreDecoded) {
  EXPECT_EQ(found_after("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "3;a=b\r\nfin\r\n1\r\ne\r\n0\r\nX: y\r\n\r\n"),
            "200 fine");
}

TEST_F(AnswersTest, OneMayEndWithItsConnection) {
  EXPECT_EQ(found_after("HTTP/1.0 200 OK\r\n\r\nfine"), "200 fine");
  EXPECT_EQ(found_after("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "200 ");
}

TEST_F(AnswersTest, WhatIsNotWholeIsNotKept) {
  EXPECT_EQ(found_after("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfin"), "");
  EXPECT_EQ(found_after("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nfin\r\n"), "");
  EXPECT_EQ(found_after("HTTP/1.1 200 OK\r\n"), "");
  EXPECT_EQ(found_after("SSH-2.0\r\n\r\n"), "");
  EXPECT_EQ(found_after(""), "");
}

TEST_F(AnswersTest, LargeOnesAreNotKept) {
  EXPECT_NE(found_after(with_length("200 OK", std::string(1 << 20, 'x'))), "");
  EXPECT_EQ(found_after(with_length("200 OK", std::string((1 << 20) + 1, 'x'))), "");
}

TEST_F(AnswersTest, ThereIsABoundToHowMany) {
  size_t found = 0;
  for (int i = 0; i < 1000; ++i)
    answers.keep(get("/health", {{"Cookie", std::to_string(i)}}), with_length("200 OK", "fine"), {});
  for (int i = 0; i < 1000; ++i)
    found += answers.find(get("/health", {{"Cookie", std::to_string(i)}})) != nullptr;
  EXPECT_LE(found, 64u);
  EXPECT_NE(answers.find(get("/health", {{"Cookie", "999"}})), nullptr);
}

}  // namespace
}  // namespace halcyon::guard

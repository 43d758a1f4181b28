#include "guard/heads.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/support/support.h"

namespace halcyon::guard {
namespace {

using testing::HasSubstr;

constexpr std::string_view kRequest =
    "POST /v1/chat/completions?a=b HTTP/1.1\r\n"
    "host:   Example.com  \r\n"
    "X-ODD:\tvalue\r\n"
    "Content-Length: 5\r\n"
    "\r\n";

/// What a reader makes of bytes that come in two pieces.
struct Read {
  bool done = false, failed = false;
  int status = 0;
  size_t taken = 0;
};

Read read(RequestReader& reader, std::string_view first, std::string_view second = "") {
  size_t taken = reader.take(first);
  if (!reader.done() && !reader.failed()) taken += reader.take(second);
  return {reader.done(), reader.failed(), reader.failed() ? reader.status() : 0, taken};
}

RequestHead read_request(std::string_view bytes) {
  RequestReader reader("127.0.0.1");
  EXPECT_TRUE(read(reader, bytes).done) << bytes << reader.message();
  return reader.done() ? reader.head() : RequestHead();
}

int status_of_refusal(std::string_view bytes) {
  RequestReader reader("127.0.0.1");
  const Read result = read(reader, bytes);
  EXPECT_TRUE(!result.failed || !reader.message().empty());
  return result.status;
}

TEST(RequestReader, KeepsTheBytesAsTheyCame) {
  const RequestHead head = read_request(kRequest);
  EXPECT_EQ(head.bytes, kRequest);
  EXPECT_EQ(head.request.method, "POST");
  EXPECT_EQ(head.request.path, "/v1/chat/completions");
  EXPECT_EQ(head.request.query, "a=b");
  EXPECT_EQ(head.request.header("Host"), "Example.com");
  EXPECT_EQ(head.request.peer, "127.0.0.1");
  EXPECT_EQ(head.content_length(), 5u);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_FALSE(head.expects_continue);
}

TEST(RequestReader, TakesTheHeadAndNothingBehindIt) {
  const std::string all = std::string(kRequest) + "helloGET / HTTP/1.1\r\n";
  for (size_t cut = 0; cut <= all.size(); ++cut) {
    RequestReader reader("127.0.0.1");
    const Read result = read(reader, std::string_view(all).substr(0, cut), std::string_view(all).substr(cut));
    ASSERT_TRUE(result.done) << "cut at " << cut;
    EXPECT_EQ(result.taken, kRequest.size()) << "cut at " << cut;
    EXPECT_EQ(reader.head().bytes, kRequest) << "cut at " << cut;
  }
}

TEST(RequestReader, WaitsForTheLastByte) {
  RequestReader reader("127.0.0.1");
  EXPECT_FALSE(reader.started());
  for (const char& c : kRequest.substr(0, kRequest.size() - 1)) {
    EXPECT_EQ(reader.take({&c, 1}), 1u);
    ASSERT_TRUE(reader.started() && !reader.done() && !reader.failed());
  }
  EXPECT_EQ(reader.take("\n"), 1u);
  EXPECT_TRUE(reader.done());
}

TEST(RequestReader, TheBodyIsAsLongAsTheHeadSays) {
  BodyScanner five = read_request(kRequest).body;
  EXPECT_EQ(five.take("hello, world"), 5u);
  EXPECT_TRUE(five.done());
  EXPECT_TRUE(read_request("GET / HTTP/1.1\r\nHost: h\r\n\r\n").body.done());
  BodyScanner chunks = read_request("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n").body;
  EXPECT_EQ(chunks.take("1\r\n!\r\n0\r\n\r\nGET"), 11u);
  EXPECT_TRUE(chunks.done());
  EXPECT_EQ(read_request("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551614\r\n\r\n")
                .content_length(),
            UINT64_MAX - 1);
}

TEST(RequestReader, UpgradesAndConditionsArePartOfTheHead) {
  const RequestHead upgrade =
      read_request("GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  EXPECT_EQ(upgrade.request.header("Upgrade"), "websocket");
  EXPECT_TRUE(upgrade.body.done());
  EXPECT_TRUE(read_request("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")
                  .expects_continue);
}

TEST(RequestReader, SaysWhetherTheConnectionGoesOn) {
  EXPECT_FALSE(read_request("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").keep_alive);
  EXPECT_FALSE(read_request("GET / HTTP/1.0\r\n\r\n").keep_alive);
  EXPECT_TRUE(read_request("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keep_alive);
}

TEST(RequestReader, RefusesAHeadThatIsTooLong) {
  const std::string start = "GET / HTTP/1.1\r\nHost: h\r\nX: ";
  EXPECT_EQ(status_of_refusal(start + std::string(kMaxHead, 'x') + "\r\n\r\n"), 431);
  EXPECT_EQ(status_of_refusal(start + std::string(kMaxHead, 'x')), 431);  // before it ends
  EXPECT_EQ(status_of_refusal(start + std::string(kMaxHead - 1000, 'x') + "\r\n\r\n"), 0);
}

TEST(RequestReader, RefusesWhatTwoProgramsCouldUnderstandDifferently) {
  const std::string start = "POST / HTTP/1.1\r\nHost: h\r\n";
  for (const char* headers :
       {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Transfer-Encoding: gzip, chunked\r\n", "Host: other\r\n", "Content-Length: -1\r\n",
        "Content-Length: 18446744073709551616\r\n", "Content-Length: 5x\r\n", "Content-Length : 5\r\n"})
    EXPECT_EQ(status_of_refusal(start + headers + "\r\n"), 400) << headers;
  EXPECT_EQ(status_of_refusal("GET / HTTP/1.1\r\n\r\n"), 400);
}

TEST(RequestReader, RefusesWhatIsNoHttp1) {
  EXPECT_EQ(status_of_refusal("\x16\x03\x01\x02\r\n\r\n"), 400);
  EXPECT_EQ(status_of_refusal("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
  EXPECT_EQ(status_of_refusal("hello\r\n\r\n"), 400);
}

constexpr std::string_view kAnswer =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

ReadAnswer read_answer(std::string_view bytes, std::string_view method = "GET") {
  const auto answer = read_answer_head(bytes, method);
  EXPECT_TRUE(answer.has_value()) << bytes << (answer ? "" : answer.error().message);
  return answer.value_or(ReadAnswer());
}

TEST(AnswerHead, IsReadOnceAllOfItIsThere) {
  for (size_t n = 0; n < kAnswer.size(); ++n)
    EXPECT_EQ(read_answer(kAnswer.substr(0, n)).bytes, 0u) << n << " bytes";
  const ReadAnswer answer = read_answer(std::string(kAnswer) + "5\r\nhello\r\n");
  EXPECT_EQ(answer.bytes, kAnswer.size());
  EXPECT_EQ(answer.head.status, 200);
  EXPECT_EQ(answer.head.content_type, "text/event-stream");
  EXPECT_TRUE(answer.head.keep_alive);
  EXPECT_FALSE(answer.head.encoded);
  EXPECT_FALSE(answer.head.is_interim());
  BodyScanner body = answer.head.body;
  EXPECT_EQ(body.take("1\r\n!\r\n0\r\n\r\nHTTP"), 11u);
}

TEST(AnswerHead, SaysHowLongTheBodyIs) {
  BodyScanner body = read_answer("HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno!").head.body;
  EXPECT_FALSE(body.done());
  EXPECT_EQ(body.take("no!HTTP"), 3u);
  EXPECT_TRUE(body.done());
}

TEST(AnswerHead, WithoutALengthTheBodyEndsWithTheConnection) {
  for (const char* bytes : {"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n"}) {
    const AnswerHead head = read_answer(bytes).head;
    EXPECT_TRUE(head.body.ends_with_connection()) << bytes;
    EXPECT_FALSE(head.keep_alive) << bytes;
  }
}

TEST(AnswerHead, ServersMayCloseAfterIt) {
  EXPECT_FALSE(
      read_answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").head.keep_alive);
  EXPECT_FALSE(read_answer("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").head.keep_alive);
}

TEST(AnswerHead, SomeAnswersHaveNoBodyWhateverTheyClaim) {
  for (const char* status : {"204 No Content", "304 Not Modified", "100 Continue", "103 Early Hints"}) {
    const std::string start = fmt::format("HTTP/1.1 {}\r\n", status);
    EXPECT_TRUE(read_answer(start + "\r\n").head.body.done()) << status;
    EXPECT_TRUE(read_answer(start + "Content-Length: 5\r\n\r\n").head.body.done()) << status;
  }
  EXPECT_TRUE(read_answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD").head.body.done());
  EXPECT_TRUE(read_answer("HTTP/1.1 200 OK\r\n\r\n", "HEAD").head.body.done());
  EXPECT_TRUE(read_answer("HTTP/1.1 200 OK\r\n\r\n", "HEAD").head.keep_alive);
  EXPECT_TRUE(read_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HEAD").head.body.done());
}

TEST(AnswerHead, InterimAnswersComeBeforeTheOneThatCounts) {
  const std::string both = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
  const ReadAnswer interim = read_answer(both);
  EXPECT_TRUE(interim.head.is_interim());
  EXPECT_EQ(interim.bytes, 25u);
  const ReadAnswer final = read_answer(std::string_view(both).substr(interim.bytes));
  EXPECT_FALSE(final.head.is_interim());
  EXPECT_EQ(final.head.status, 201);
}

TEST(AnswerHead, UpgradesAndConnectBecomeTunnels) {
  const AnswerHead upgrade =
      read_answer("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
          .head;
  EXPECT_TRUE(upgrade.is_tunnel);
  EXPECT_FALSE(upgrade.is_interim());
  EXPECT_TRUE(read_answer("HTTP/1.1 200 OK\r\n\r\n", "CONNECT").head.is_tunnel);
  EXPECT_FALSE(read_answer("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", "CONNECT").head.is_tunnel);
  EXPECT_FALSE(read_answer("HTTP/1.1 200 OK\r\n\r\n").head.is_tunnel);
}

TEST(AnswerHead, SaysWhetherTheBodyIsCompressed) {
  EXPECT_TRUE(read_answer("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n").head.encoded);
}

TEST(AnswerHead, IsHttpOrAnError) {
  for (const char* bytes :
       {"SSH-2.0-OpenSSH_9.2", "\r\n\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 OK\r\n\r\n", "HTTP/1.1 20\r\n\r\n",
        "HTTP/1.1 050 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n"})
    EXPECT_ERROR(read_answer_head(bytes, "GET"), HasSubstr("its answer is no HTTP"));
}

TEST(AnswerHead, HasABound) {
  const std::string start = "HTTP/1.1 200 OK\r\nX: ";
  EXPECT_ERROR(read_answer_head(start + std::string(kMaxHead, 'x'), "GET"),
               HasSubstr("longer than 65536 bytes"));
  EXPECT_FALSE(read_answer_head(start + std::string(kMaxHead, 'x') + "\r\n\r\n", "GET").has_value());
  const std::string longest = start + std::string(kMaxHead - 1000, 'x') + "\r\n\r\n";
  EXPECT_EQ(read_answer(longest).bytes, longest.size());
}

}  // namespace
}  // namespace halcyon::guard

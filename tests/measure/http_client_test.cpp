#include "measure/http_client.h"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

#include "tests/support/certificate.h"
#include "tests/support/loopback.h"
#include "tests/support/support.h"

namespace halcyon::measure {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using namespace std::chrono_literals;

/// Takes one connection, reads a request, sends `answer`, and closes when the client has left or at its end.
class OneAnswer {
 public:
  explicit OneAnswer(std::string answer, bool close = true, const test::Certificate* certificate = nullptr)
      : answer_(std::move(answer)), close_(close), certificate_(certificate) {
    thread_ = std::jthread([this] { serve(); });
  }
  ~OneAnswer() {
    socket_.shut_down();
    thread_.join();
  }
  OneAnswer(const OneAnswer&) = delete;
  OneAnswer& operator=(const OneAnswer&) = delete;

  uint16_t port() const { return socket_.port(); }
  std::string request;  ///< to be read when the client has its answer

 private:
  void serve() {
    const int client = socket_.accept();
    if (client < 0) return;
    certificate_ ? serve_tls(client) : serve_plain(client);
    ::close(client);
  }
  void serve_plain(int client) {
    char piece[4096];
    while (!request.ends_with("}") && !request.ends_with("\r\n\r\n")) {
      const ssize_t n = ::recv(client, piece, sizeof piece, 0);
      if (n <= 0) return;
      request.append(piece, static_cast<size_t>(n));
    }
    ::send(client, answer_.data(), answer_.size(), MSG_NOSIGNAL);
    if (!close_) ::recv(client, piece, sizeof piece, 0);  // until the client leaves
  }
  void serve_tls(int client) {
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate_file(context, certificate_->cert.c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_use_PrivateKey_file(context, certificate_->key.c_str(), SSL_FILETYPE_PEM);
    SSL* ssl = SSL_new(context);
    SSL_set_fd(ssl, client);
    char piece[4096];
    if (SSL_accept(ssl) == 1 && SSL_read(ssl, piece, sizeof piece) > 0) {
      SSL_write(ssl, answer_.data(), static_cast<int>(answer_.size()));
      SSL_shutdown(ssl);
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
  }

  const std::string answer_;
  const bool close_;
  const test::LoopbackSocket socket_{4};
  const test::Certificate* certificate_;
  std::jthread thread_;
};

Url url_of(const OneAnswer& server) {
  return {.tls = false, .host = "127.0.0.1", .port = server.port(), .path = "/llm"};
}

HttpOptions impatient() {
  HttpOptions options;
  options.patience = {.connect = 5s, .head = 200ms, .between = 200ms, .whole = 5s, .get = 5s};
  return options;
}

Result<HttpAnswer> get(const OneAnswer& server, HttpOptions options = {}) {
  return HttpClient(url_of(server), std::move(options), {}).get("/x");
}

TEST(HttpClient, SendsKeyAndJsonAndReturnsTheAnswerWhateverItsStatus) {
  OneAnswer server("HTTP/1.1 418 I'm a teapot\r\nContent-Type: text/tea\r\nContent-Length: 3\r\n\r\ntea");
  HttpOptions options;
  options.api_key = "sesame";
  HttpClient client(url_of(server), options, {});
  ASSERT_OK_AND_ASSIGN(const HttpAnswer answer, client.post("/completion", R"({"a":1})"));
  EXPECT_EQ(answer.status, 418);
  EXPECT_EQ(answer.content_type, "text/tea");
  EXPECT_EQ(answer.body, "tea");
  EXPECT_THAT(server.request, AllOf(HasSubstr("POST /llm/completion HTTP/1.1\r\n"),
                                    HasSubstr("Authorization: Bearer sesame\r\n"),
                                    HasSubstr("Connection: close\r\n"), HasSubstr(R"({"a":1})")));
}

TEST(HttpClient, StreamsABodyOfUnknownLength) {
  OneAnswer server("HTTP/1.1 200 OK\r\n\r\none two");
  HttpClient client(url_of(server), {}, {});
  std::string body;
  Clock::time_point arrived;
  ASSERT_OK_AND_ASSIGN(
      const HttpAnswer answer,
      client.stream("/x", "{}", [&](std::string_view bytes, Clock::time_point at) -> Result<void> {
        body += bytes;
        arrived = at;
        return {};
      }));
  EXPECT_EQ(body, "one two");
  EXPECT_EQ(answer.body, "");
  EXPECT_GT(arrived, answer.sent);
}

TEST(HttpClient, AnErrorOfTheReceiverEndsTheExchange) {
  OneAnswer server("HTTP/1.1 200 OK\r\n\r\nbody", false);
  HttpClient client(url_of(server), {}, {});
  EXPECT_ERROR(
      client.stream("/x", "{}",
                    [](std::string_view, Clock::time_point) -> Result<void> { return fail("enough"); }),
      HasSubstr("/llm/x: enough"));
}

TEST(HttpClient, SaysWhoClosedWhen) {
  EXPECT_ERROR(get(OneAnswer("")), HasSubstr("closed the connection without an answer"));
  EXPECT_ERROR(get(OneAnswer("HTTP/1.1 200 OK\r\nContent-Le")), HasSubstr("in the middle of its answer"));
  EXPECT_ERROR(get(OneAnswer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")),
               HasSubstr("in the middle of its answer"));
}

TEST(HttpClient, SaysWhatIsNotHttp) {
  EXPECT_ERROR(get(OneAnswer("SSH-2.0-OpenSSH_9.2\r\n")), HasSubstr("is not HTTP/1.1"));
  EXPECT_ERROR(get(OneAnswer("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n")),
               HasSubstr("is not HTTP/1.1"));
  EXPECT_ERROR(get(OneAnswer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")),
               HasSubstr("is not HTTP/1.1"));
}

TEST(HttpClient, LimitsHeadAndBody) {
  HttpOptions options;
  options.max_head = 1000;
  options.max_body = 1000;
  EXPECT_ERROR(get(OneAnswer("HTTP/1.1 200 OK\r\nX: " + std::string(5000, 'x'), false), options),
               HasSubstr("head of the answer does not end"));
  EXPECT_ERROR(get(OneAnswer("HTTP/1.1 200 OK\r\n\r\n" + std::string(5000, 'x'), false), options),
               HasSubstr("longer than 1000 bytes"));
}

TEST(HttpClient, WaitsNoLongerThanItIsTold) {
  EXPECT_ERROR(get(OneAnswer("", false), impatient()), HasSubstr("the answer took longer than 0.2 s"));
  EXPECT_ERROR(get(OneAnswer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", false), impatient()),
               HasSubstr("the rest of the answer took longer than 0.2 s"));
  HttpOptions options = impatient();
  options.patience.head = 5s;
  options.patience.whole = 200ms;
  EXPECT_ERROR(get(OneAnswer("", false), options), HasSubstr("the whole answer took longer than 0.2 s"));
}

TEST(HttpClient, StopsAtOnce) {
  OneAnswer server("", false);
  std::stop_source stop;
  HttpClient client(url_of(server), {}, stop.get_token());
  std::jthread later([&] {
    std::this_thread::sleep_for(50ms);
    stop.request_stop();
  });
  EXPECT_ERROR(client.post("/x", "{}"), HasSubstr("stopped"));
}

TEST(HttpClient, DoesNotFollow) {
  EXPECT_ERROR(
      get(OneAnswer("HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n")),
      HasSubstr("redirects to \"http://elsewhere/\""));
}

TEST(HttpClient, NamesThatNobodyKnowsAreSaid) {
  EXPECT_ERROR(
      HttpClient({.tls = false, .host = "no-such-host.invalid", .port = 80, .path = ""}, {}, {}).get("/"),
      HasSubstr("no-such-host.invalid"));
}

TEST(HttpClient, BelievesACertificateOnlyIfTheSystemDoes) {
  const test::TemporaryDir folder;
  const test::Certificate certificate = test::self_signed(folder.path());
  const auto ask = [&] {
    OneAnswer server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true, &certificate);
    return HttpClient({.tls = true, .host = "localhost", .port = server.port(), .path = ""}, {}, {}).get("/");
  };
  EXPECT_ERROR(ask(), HasSubstr("TLS: "));
  ::setenv("SSL_CERT_FILE", certificate.cert.c_str(), 1);
  ASSERT_OK_AND_ASSIGN(const HttpAnswer answer, ask());
  EXPECT_EQ(answer.body, "ok");
}

}  // namespace
}  // namespace halcyon::measure

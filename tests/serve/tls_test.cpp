#include <gmock/gmock.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "serve/http_server.h"
#include "tests/serve/http_fake_app.h"
#include "tests/serve/raw_client.h"
#include "tests/support/certificate.h"

namespace halcyon::serve {
namespace {

using namespace std::chrono_literals;
using test::FakeApp;
using test::get;
using test::post;
using test::RawClient;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

TlsFiles self_signed(const std::string& folder) {
  const halcyon::test::Certificate certificate = halcyon::test::self_signed(folder);
  return {certificate.cert, certificate.key};
}

/// A TLS connection that believes any certificate.
class TlsClient {
 public:
  explicit TlsClient(uint16_t port) : socket_(port), context_(SSL_CTX_new(TLS_client_method())) {
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, socket_.fd());
    connected_ = SSL_connect(ssl_) == 1;
  }
  ~TlsClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  bool is_connected() const { return connected_; }
  const char* version() const { return SSL_get_version(ssl_); }
  void send(std::string_view bytes) { SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())); }
  std::string read_until(std::string_view end) {
    std::string all;
    while (!all.ends_with(end)) {
      char c = 0;
      if (SSL_read(ssl_, &c, 1) != 1) break;
      all += c;
    }
    return all;
  }
  /// True if the server has said that it closes.
  bool is_closed() {
    char c = 0;
    return SSL_read(ssl_, &c, 1) <= 0 && (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0;
  }
  void shut_down() { SSL_shutdown(ssl_); }
  void disconnect() { socket_.disconnect(); }

 private:
  RawClient socket_;
  SSL_CTX* context_;
  SSL* ssl_ = nullptr;
  bool connected_ = false;
};

class Tls : public testing::Test {
 protected:
  void SetUp() override {
    folder = testing::TempDir() + "halcyon-tls-" + std::to_string(::getpid());
    std::filesystem::create_directories(folder);
    files = self_signed(folder);
  }
  void TearDown() override {
    server.reset();
    std::filesystem::remove_all(folder);
  }
  void start(const HttpLimits& limits = {}) {
    auto started = HttpServer::start(app, HttpOptions{.tls = files, .limits = limits});
    ASSERT_TRUE(started.has_value()) << started.error().message;
    server = std::move(*started);
  }
  std::string refused(const TlsFiles& tls) {
    const auto started = HttpServer::start(app, HttpOptions{.tls = tls, .limits = {}});
    return started ? "no error" : started.error().message;
  }

  FakeApp app;
  std::string folder;
  TlsFiles files;
  std::unique_ptr<HttpServer> server;
};

TEST_F(Tls, AnswersRequests) {
  start();
  TlsClient client(server->port());
  ASSERT_TRUE(client.is_connected());
  EXPECT_STREQ(client.version(), "TLSv1.3");
  client.send(get("/echo"));
  EXPECT_THAT(client.read_until("GET /echo? "), StartsWith("HTTP/1.1 200 OK\r\n"));
  const std::string body(100'000, 'x');
  client.send(post("/echo", body));
  EXPECT_THAT(client.read_until(body), HasSubstr("POST /echo? x"));
}

TEST_F(Tls, SendsEachPieceAtOnce) {
  start();
  TlsClient client(server->port());
  client.send(get("/stream"));
  const auto stream = app.next_stream();
  for (const std::string piece : {"one", "two", "three"}) {
    stream->push(piece);
    EXPECT_THAT(client.read_until(piece + "\r\n"), EndsWith(piece + "\r\n"));
  }
  stream->finish();
  EXPECT_EQ(client.read_until("0\r\n\r\n"), "0\r\n\r\n");
}

TEST_F(Tls, SendsLargeAnswers) {
  start();
  TlsClient client(server->port());
  client.send(get("/large?3000000", "Connection: close\r\n"));
  EXPECT_THAT(client.read_until("\r\n\r\n"), HasSubstr("Content-Length: 3000000\r\n"));
  EXPECT_EQ(client.read_until("end").size(), 3'000'000u);
}

TEST_F(Tls, SaysThatItCloses) {
  start();
  TlsClient client(server->port());
  client.send(get("/echo", "Connection: close\r\n"));
  client.read_until("GET /echo? ");
  EXPECT_TRUE(client.is_closed());
}

TEST_F(Tls, DestroysTheExchangeOfAClientThatGoes) {
  start();
  for (const bool politely : {false, true}) {
    TlsClient client(server->port());
    client.send(get("/stream"));
    const auto stream = app.next_stream();
    stream->push("piece");
    client.read_until("piece");
    politely ? client.shut_down() : client.disconnect();
    stream->wait_for_destruction();
  }
}

TEST_F(Tls, TellsAClientThatSpeaksPlainHttp) {
  start();
  RawClient client(server->port());
  const test::RawResponse r = client.ask(get("/echo"));
  EXPECT_EQ(r.status, 400);
  EXPECT_THAT(r.body, HasSubstr("https://"));
  EXPECT_TRUE(client.is_closed());
}

TEST_F(Tls, ClosesOnNoise) {
  start();
  for (const std::string_view noise :
       {std::string_view("\x16\x03\x01\x00\x05hello", 10), std::string_view("\0\0\0\0\0\0", 6),
        std::string_view("\x80\x80\x01", 3)}) {
    RawClient client(server->port());
    client.send(noise);
    client.finish_sending();
    client.read_to_end();  // maybe an alert
  }
  EXPECT_TRUE(TlsClient(server->port()).is_connected());
}

TEST_F(Tls, ClosesAClientThatDoesNotFinishItsHandshake) {
  start({.header_timeout = 20ms});
  RawClient client(server->port());
  client.send(std::string_view("\x16\x03\x01", 3));
  EXPECT_TRUE(client.is_closed());
}

TEST_F(Tls, SaysWhichFileIsWrong) {
  EXPECT_THAT(refused({folder + "/none.pem", files.key}),
              testing::AllOf(HasSubstr("none.pem\": cannot be read as a PEM certificate"),
                             HasSubstr("No such file")));
  EXPECT_THAT(refused({files.key, files.key}), HasSubstr("key.pem\": cannot be read as a PEM certificate"));
  EXPECT_THAT(refused({files.cert, files.cert}),
              HasSubstr("cert.pem\": cannot be used as the PEM private key"));
  std::filesystem::create_directories(folder + "/other");
  EXPECT_THAT(refused({files.cert, self_signed(folder + "/other").key}), HasSubstr("values mismatch"));
}

}  // namespace
}  // namespace halcyon::serve

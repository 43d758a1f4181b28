#include "serve/http_server.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "base/log.h"
#include "serve/http_listen.h"
#include "tests/serve/http_fixture.h"

namespace halcyon::serve {
namespace {

using namespace std::chrono_literals;
using test::get;
using test::Http;
using test::post;
using test::RawClient;
using test::RawResponse;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string repeated(std::string_view text, int n) {
  std::string all;
  for (int i = 0; i < n; ++i) all += text;
  return all;
}

// Requests and answers.

TEST_F(Http, AnswersARequest) {
  start();
  const RawResponse r = ask(get("/echo?a=b"));
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(r.body, "GET /echo?a=b ");
  EXPECT_THAT(r.head, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(r.has("Server: halcyon\r\n"));
  EXPECT_TRUE(r.has("Content-Type: text/plain\r\n"));
  EXPECT_TRUE(r.has("Content-Length: 14\r\n"));
  EXPECT_THAT(r.head,
              testing::ContainsRegex("Date: [A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} 20[0-9]{2} [0-9:]{8} GMT"));
}

TEST_F(Http, KeepsTheConnectionForMoreRequests) {
  start();
  RawClient client = connect();
  for (int i = 0; i < 10; ++i) {
    const RawResponse r = client.ask(post("/echo", std::to_string(i)));
    EXPECT_EQ(r.body, "POST /echo? " + std::to_string(i));
    EXPECT_TRUE(r.has("Connection: keep-alive\r\n"));
  }
  EXPECT_EQ(server->stats().requests, 10u);
  EXPECT_EQ(server->stats().connections, 1);
}

TEST_F(Http, ClosesWhenTheClientAsksForIt) {
  start();
  RawClient client = connect();
  const RawResponse r = client.ask(get("/echo", "Connection: close\r\n"));
  EXPECT_TRUE(r.has("Connection: close\r\n"));
  EXPECT_TRUE(client.is_closed());
}

TEST_F(Http, AnswersPipelinedRequestsInOrder) {
  start();
  RawClient client = connect();
  client.send(get("/echo?1") + post("/echo", "2") + get("/stream") + get("/echo?4"));
  EXPECT_EQ(client.response().body, "GET /echo?1 ");
  EXPECT_EQ(client.response().body, "POST /echo? 2");
  const auto stream = app.next_stream();
  stream->push("3");
  stream->finish();
  EXPECT_EQ(client.response().body, "3");
  EXPECT_EQ(client.response().body, "GET /echo?4 ");
}

TEST_F(Http, TakesARequestByteByByte) {
  start();
  RawClient client = connect();
  for (const char c : post("/echo", "body")) ASSERT_TRUE(client.send({&c, 1}));
  EXPECT_EQ(client.response().body, "POST /echo? body");
}

TEST_F(Http, ReadsLargeBodies) {
  start();
  const std::string body(5'000'000, 'x');
  EXPECT_EQ(ask(post("/echo", body)).body, "POST /echo? " + body);
}

TEST_F(Http, ReadsChunkedBodies) {
  start();
  RawClient client = connect();
  client.send("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
  client.send("lo\r\n7;ext=1\r\n, world\r\n0\r\nX-Trailer: 1\r\n\r\n");
  EXPECT_EQ(client.response().body, "POST /echo? hello, world");
  EXPECT_EQ(client.ask(get("/echo")).status, 200);
}

TEST_F(Http, IgnoresEmptyLinesBeforeARequest) {
  start();
  EXPECT_EQ(ask("\r\n\r\n" + get("/echo")).status, 200);
}

TEST_F(Http, UnderstandsTargetsAsProxiesWriteThem) {
  start();
  EXPECT_EQ(ask(get("http://example.org:80/echo?q")).body, "GET /echo?q ");
  EXPECT_EQ(ask(get("http://example.org")).body, "GET /? ");
}

TEST_F(Http, TellsTheAppWhoAsks) {
  start();
  EXPECT_EQ(ask(get("/peer")).body, "127.0.0.1");
  EXPECT_EQ(ask(get("/host")).body, "test");
}

TEST_F(Http, SendsNoBodyToHead) {
  start();
  RawClient client = connect();
  client.send("HEAD /echo HTTP/1.1\r\nHost: h\r\n\r\n" + get("/echo"));
  EXPECT_THAT(client.read_until("\r\n\r\n"), HasSubstr("Content-Length: 12\r\n"));
  EXPECT_EQ(client.response().body, "GET /echo? ") << "it follows the head";
}

TEST_F(Http, EndsAStreamThatHeadAskedForBehindItsHead) {
  start();
  RawClient client = connect();
  client.send("HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto stream = app.next_stream();
  stream->push("piece");
  EXPECT_THAT(client.read_until("\r\n\r\n"), HasSubstr("Transfer-Encoding: chunked\r\n"));
  stream->wait_for_destruction();
  EXPECT_EQ(client.ask(get("/echo")).status, 200);
}

TEST_F(Http, SendsNoLengthWithAnAnswerThatHasNoBody) {
  start();
  RawClient client = connect();
  client.send(get("/empty") + get("/echo"));
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_THAT(head, StartsWith("HTTP/1.1 204 No Content\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("Content-")));
  EXPECT_EQ(client.response().body, "GET /echo? ");
}

TEST_F(Http, AsksForTheBodyOfAClientThatWaits) {
  start();
  RawClient client = connect();
  EXPECT_EQ(client.ask("POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
                .status,
            100);
  EXPECT_EQ(client.ask("body").body, "POST /echo? body");
}

TEST_F(Http, KeepsTheAppFromInjectingHeaders) {
  start();
  const RawResponse r = ask(get("/injection"));
  EXPECT_EQ(r.body, "GET /injection? ");
  EXPECT_THAT(r.head, Not(HasSubstr("\r\nX-Evil")));
  EXPECT_THAT(r.head, HasSubstr("X-A: 1  X-Evil: 2    body\r\nX  B: 3\r\n"));
}

// HTTP/1.0.

TEST_F(Http, ClosesAfterAnAnswerToHttp10) {
  start();
  RawClient client = connect();
  EXPECT_EQ(client.ask("GET /echo HTTP/1.0\r\n\r\n").body, "GET /echo? ");
  EXPECT_TRUE(client.is_closed());
}

TEST_F(Http, KeepsAnHttp10ConnectionThatAsksForIt) {
  start();
  RawClient client = connect();
  const std::string request = "GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
  EXPECT_TRUE(client.ask(request).has("Connection: keep-alive\r\n"));
  EXPECT_EQ(client.ask(request).status, 200);
}

TEST_F(Http, StreamsToHttp10UntilItCloses) {
  start();
  RawClient client = connect();
  client.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const auto stream = app.next_stream();
  stream->push("one ");
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_THAT(head, Not(HasSubstr("Transfer-Encoding")));
  EXPECT_THAT(head, HasSubstr("Connection: close\r\n"));
  EXPECT_EQ(client.read_until("one "), "one ");
  stream->push("two");
  stream->finish();
  EXPECT_EQ(client.read_to_end(), "two");
}

// Streams.

TEST_F(Http, SendsEachPieceAtOnceAsAChunk) {
  start();
  RawClient client = connect();
  client.send(get("/stream"));
  const auto stream = app.next_stream();
  stream->push("data: 1\n\n");
  EXPECT_THAT(client.read_until("\r\n\r\n"), HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_EQ(client.read_until("\n\n\r\n"), "9\r\ndata: 1\n\n\r\n");
  stream->push("data: 2\n\n");
  EXPECT_EQ(client.read_until("\n\n\r\n"), "9\r\ndata: 2\n\n\r\n");
  stream->finish();
  EXPECT_EQ(client.read_until("0\r\n\r\n"), "0\r\n\r\n");
  stream->wait_for_destruction();
  EXPECT_EQ(client.ask(get("/echo")).status, 200);
}

TEST_F(Http, GivesALateAnswerThatIsWholeItsLength) {
  start();
  RawClient client = connect();
  client.send(get("/stream"));
  const auto stream = app.next_stream();
  stream->wait_for_poll(1);
  stream->wake();  // for nothing
  stream->wait_for_poll(2);
  stream->add("whole", true);
  stream->wake();
  const RawResponse r = client.response();
  EXPECT_EQ(r.body, "whole");
  EXPECT_TRUE(r.has("Content-Length: 5\r\n"));
}

TEST_F(Http, LosesNoWakeUp) {
  start();
  RawClient client = connect();
  client.send(get("/stream"));
  const auto stream = app.next_stream();
  std::string expected;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 1000; ++i) stream->push("x");
      });
  }
  stream->finish();
  const RawResponse r = client.response();
  EXPECT_EQ(r.body, std::string(4000, 'x'));
  EXPECT_TRUE(r.ended);
}

TEST_F(Http, ToleratesAWakeUpWithoutAnExchange) {
  start();
  RawClient client = connect();
  client.send(get("/stream"));
  const auto stream = app.next_stream();
  stream->finish();
  EXPECT_EQ(client.response().status, 200);
  stream->wait_for_destruction();
  stream->wake();
  EXPECT_EQ(client.ask(get("/echo")).status, 200);
  server.reset();
  stream->wake();
}

TEST_F(Http, AsksForNoMoreThanTheClientTakes) {
  start();
  RawClient client = connect();
  client.send(get("/stream"));
  const auto stream = app.next_stream();
  stream->push(std::string(64 << 20, 'x'));  // more than the kernel keeps for a socket
  client.read_until("\r\n\r\n");
  const int polls = stream->polls();
  for (int i = 0; i < 100; ++i) stream->push("more");
  EXPECT_EQ(stream->polls(), polls);
  stream->finish();
  EXPECT_THAT(client.read_until("0\r\n\r\n"),
              EndsWith("\r\n190\r\n" + repeated("more", 100) + "\r\n0\r\n\r\n"));
  EXPECT_LE(stream->polls(), polls + 2);
}

// Clients that go.

TEST_F(Http, DestroysTheExchangeOfAClientThatGoes) {
  start();
  for (const bool hard : {false, true}) {
    RawClient client = connect();
    client.send(get("/stream"));
    const auto stream = app.next_stream();
    stream->wait_for_poll(1);
    hard ? client.disconnect_hard() : client.disconnect();
    stream->wait_for_destruction();
  }
}

TEST_F(Http, DestroysTheExchangeOfAClientThatGoesAmidAStream) {
  start();
  RawClient client = connect();
  client.send(get("/stream"));
  const auto stream = app.next_stream();
  stream->push("piece");
  client.read_until("piece");
  client.disconnect();
  stream->wait_for_destruction();
  stream->push("too late");
}

TEST_F(Http, DestroysTheExchangeOfAClientThatGoesWhileItIsWrittenTo) {
  start();
  RawClient client = connect();
  client.send(get("/stream"));
  const auto stream = app.next_stream();
  stream->push(std::string(64 << 20, 'x'));
  client.read_until("xx");
  client.disconnect_hard();
  stream->wait_for_destruction();
}

TEST_F(Http, AnswersAClientThatSendsNothingMore) {
  start();
  RawClient client = connect();
  client.send(get("/echo"));
  client.finish_sending();
  EXPECT_EQ(client.response().status, 200);
  EXPECT_TRUE(client.is_closed());
}

// Time.

TEST_F(Http, ClosesAConnectionThatNeverAsks) {
  start(HttpLimits{.header_timeout = 20ms});
  EXPECT_TRUE(connect().is_closed());
}

TEST_F(Http, ClosesAConnectionThatIsIdleForLong) {
  start(HttpLimits{.idle_timeout = 20ms});
  RawClient client = connect();
  EXPECT_EQ(client.ask(get("/echo")).status, 200);
  EXPECT_TRUE(client.is_closed());
}

TEST_F(Http, GivesUpOnHeadersThatDripIn) {
  start(HttpLimits{.header_timeout = 50ms});
  RawClient client = connect();
  client.send("GET /echo HTTP/1.1\r\n");
  while (client.send("X: a\r\n") && server->stats().connections == 1 &&
         ::recv(client.fd(), nullptr, 0, MSG_PEEK | MSG_DONTWAIT) < 0)
    std::this_thread::yield();
  const RawResponse r = client.response();
  EXPECT_THAT(r.status, testing::AnyOf(408, 431)) << "whichever comes first";
}

TEST_F(Http, GivesUpOnASecondHeadThatStops) {
  start(HttpLimits{.header_timeout = 50ms});
  RawClient client = connect();
  EXPECT_EQ(client.ask(get("/echo")).status, 200);
  EXPECT_EQ(client.ask("GET /").status, 408);
  EXPECT_TRUE(client.is_closed());
}

TEST_F(Http, GivesUpOnABodyThatStops) {
  start(HttpLimits{.body_timeout = 20ms});
  RawClient client = connect();
  EXPECT_EQ(client.ask("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhel").status, 408);
  EXPECT_TRUE(client.is_closed());
}

TEST_F(Http, GivesUpOnABodyThatDripsIn) {
  start(HttpLimits{.min_body_rate = 1 << 30, .body_timeout = 100ms});
  RawClient client = connect();
  client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 30000000\r\n\r\n");
  char byte = 0;
  while (::recv(client.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && client.send("x"))
    std::this_thread::yield();
  EXPECT_EQ(client.response().status, 408);
}

TEST_F(Http, ClosesAClientThatTakesNothing) {
  start(HttpLimits{.write_timeout = 50ms});
  RawClient client = connect();
  client.send(get("/stream"));
  const auto stream = app.next_stream();
  stream->push(std::string(64 << 20, 'x'));
  stream->wait_for_destruction();
}

TEST_F(Http, WaitsForAnAnswerHoweverLongItTakes) {
  start(
      HttpLimits{.header_timeout = 20ms, .body_timeout = 20ms, .idle_timeout = 20ms, .write_timeout = 20ms});
  RawClient slow = connect();
  slow.send(get("/stream"));
  const auto stream = app.next_stream();
  EXPECT_TRUE(connect().is_closed());  // so more time than any timeout has gone by
  stream->push("late");
  stream->finish();
  EXPECT_EQ(slow.response().body, "late");
}

// Many connections.

TEST_F(Http, MakesRoomByClosingTheConnectionThatWasIdleForLongest) {
  start(HttpLimits{.max_connections = 2});
  RawClient idle = connect();
  EXPECT_EQ(idle.ask(get("/echo")).status, 200);
  RawClient busy = connect();
  busy.send(get("/stream"));
  const auto stream = app.next_stream();
  EXPECT_EQ(ask(get("/echo")).status, 200);
  EXPECT_TRUE(idle.is_closed());
  stream->finish();
  EXPECT_EQ(busy.response().status, 200);
}

TEST_F(Http, LetsFurtherClientsWaitWhileAllAreBusy) {
  start(HttpLimits{.max_connections = 1});
  RawClient busy = connect();
  busy.send(get("/stream"));
  const auto stream = app.next_stream();
  RawClient waiting = connect();
  waiting.send(get("/echo"));
  stream->finish();
  EXPECT_EQ(busy.response().status, 200);
  EXPECT_EQ(waiting.response().status, 200) << "once the other is idle";
}

TEST_F(Http, SurvivesAFlood) {
  start(HttpLimits{.max_connections = 8});
  std::vector<RawClient> flood;
  for (int i = 0; i < 200; ++i) flood.push_back(connect());
  EXPECT_EQ(ask(get("/echo")).status, 200);
  EXPECT_LE(server->stats().connections, 9);
}

TEST_F(Http, RecoversFromRunningOutOfDescriptors) {
  start();
  RawClient first = connect();
  EXPECT_EQ(first.ask(get("/echo")).status, 200);
  spdlog::warn("{}", "descriptors run out now");  // UBSan's first look at a logger needs some
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = ::dup(first.fd());  // the descriptor that the next client gets, and nobody after it
  ::close(next);
  const rlimit few{.rlim_cur = static_cast<rlim_t>(next + 1), .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  RawClient second = connect();
  second.send(get("/echo"));
  EXPECT_EQ(second.response().status, 200) << "once the idle connection has made room";
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST_F(Http, ServesManyConnectionsAtOnce) {
  start();
  std::vector<std::jthread> threads;
  std::atomic<int> answered = 0;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      RawClient client = connect();
      for (int i = 0; i < 200; ++i) answered += client.ask(post("/echo", "x")).body == "POST /echo? x";
    });
  threads.clear();
  EXPECT_EQ(answered, 1600);
}

// Addresses.

TEST_F(Http, NamesItsAddress) {
  start();
  EXPECT_NE(server->port(), 0);
  EXPECT_EQ(server->address(), "127.0.0.1:" + std::to_string(server->port()));
}

TEST_F(Http, ListensOnAName) {
  start(HttpOptions{.host = "localhost", .tls = {}, .limits = {}});
  EXPECT_EQ(ask(get("/echo")).status, 200);
}

TEST_F(Http, SaysWhyItCannotListen) {
  start();
  const auto message = [&](HttpOptions options) {
    const auto second = HttpServer::start(app, std::move(options));
    return second ? "no error" : second.error().message;
  };
  const HttpOptions taken{.port = server->port(), .tls = {}, .limits = {}};
  EXPECT_EQ(message(taken),
            server->address() +
                ": address already in use: stop the program that listens there, or use another port");
  EXPECT_THAT(message({.host = "192.0.2.1", .tls = {}, .limits = {}}),
              StartsWith("192.0.2.1:0: this machine does not have that address"));
  EXPECT_THAT(message({.host = "no host\n", .tls = {}, .limits = {}}),
              StartsWith("\"no host\\n\": no such host"));
  EXPECT_THAT(message({.listen_fd = 1'000'000, .tls = {}, .limits = {}}),
              StartsWith("file descriptor 1000000: not a socket"));
}

TEST_F(Http, TakesOverAListeningSocket) {
  auto sockets = listen_on("127.0.0.1", 0);
  ASSERT_TRUE(sockets.has_value());
  const uint16_t port = sockets->front().port();
  RawClient early(port);  // before the server is there
  early.send(get("/echo"));
  start(HttpOptions{.listen_fd = sockets->front().release(), .tls = {}, .limits = {}});
  EXPECT_EQ(server->port(), port);
  EXPECT_EQ(early.response().status, 200);
}

TEST_F(Http, ServesAUnixSocket) {
  const std::string path = testing::TempDir() + "halcyon-" + std::to_string(::getpid()) + ".sock";
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(fd, 8), 0);
  start(HttpOptions{.listen_fd = fd, .tls = {}, .limits = {}});
  EXPECT_EQ(server->address(), "unix:" + path);
  EXPECT_EQ(server->port(), 0);
  EXPECT_EQ(RawClient(path).ask(get("/peer")).body, "unix");
  std::filesystem::remove(path);
}

TEST_F(Http, RefusesADescriptorThatDoesNotListen) {
  const auto started = HttpServer::start(
      app, HttpOptions{.listen_fd = ::socket(AF_INET, SOCK_STREAM, 0), .tls = {}, .limits = {}});
  ASSERT_FALSE(started.has_value());
  EXPECT_THAT(started.error().message, EndsWith("not a listening TCP or Unix stream socket"));
}

// The end.

TEST_F(Http, FinishesWhatIsRunningBeforeItStops) {
  start();
  RawClient idle = connect();
  EXPECT_EQ(idle.ask(get("/echo")).status, 200);
  RawClient busy = connect();
  busy.send(get("/stream"));
  const auto stream = app.next_stream();

  server->stop_listening();
  EXPECT_TRUE(idle.is_closed());
  EXPECT_EQ(connect().ask(get("/echo")).status, 0) << "nobody listens";
  EXPECT_FALSE(server->wait_until_idle(1ms));

  stream->push("still ");
  stream->push("here");
  stream->finish();
  const RawResponse r = busy.response();
  EXPECT_EQ(r.body, "still here");
  EXPECT_TRUE(r.has("Connection: close\r\n"));
  EXPECT_TRUE(server->wait_until_idle(30s));
  EXPECT_TRUE(busy.is_closed());
}

TEST_F(Http, ClosesEverythingWhenItIsDestroyed) {
  start();
  RawClient waiting = connect(), streaming = connect(), writing = connect(), idle = connect();
  waiting.send(get("/stream"));
  const auto first = app.next_stream();
  streaming.send(get("/stream"));
  const auto second = app.next_stream();
  second->push("x");
  writing.send(get("/stream"));
  const auto third = app.next_stream();
  third->push(std::string(64 << 20, 'x'));
  server.reset();
  for (const auto& stream : {first, second, third}) EXPECT_TRUE(stream->is_destroyed());
  EXPECT_TRUE(waiting.is_closed());
  EXPECT_TRUE(idle.is_closed());
  first->push("nobody listens");
}

}  // namespace
}  // namespace halcyon::serve

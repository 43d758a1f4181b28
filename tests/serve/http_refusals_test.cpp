// What the server, or the app before it has the body, does not answer.
#include <gmock/gmock.h>

#include "tests/serve/http_fixture.h"

namespace halcyon::serve {
namespace {

using test::get;
using test::Http;
using test::post;
using test::RawClient;
using test::RawResponse;

TEST_F(Http, LetsTheAppRefuseBeforeTheBodyIsSent) {
  start();
  RawClient client = connect();
  const RawResponse r = client.ask(
      "POST /refused HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n");
  EXPECT_EQ(r.status, 401) << "and not 100";
  EXPECT_TRUE(r.has("Connection: close\r\n"));
  EXPECT_TRUE(client.is_closed());
}

TEST_F(Http, LetsAClientReadARefusalThatSendsItsWholeBodyFirst) {
  start();
  RawClient client = connect();
  EXPECT_TRUE(client.send(post("/refused", std::string(16 << 20, 'x'))));
  EXPECT_EQ(client.response().status, 401);
}

TEST_F(Http, KeepsTheConnectionIfARefusedBodyIsThereAlready) {
  start();
  RawClient client = connect();
  EXPECT_EQ(client.ask(post("/refused", "short")).status, 401);
  EXPECT_EQ(client.ask(get("/echo")).status, 200);
}

struct Broken {
  std::string_view name;
  std::string request;
  int status;
};

void PrintTo(const Broken& broken, std::ostream* out) { *out << broken.name; }

class BrokenRequest : public Http, public testing::WithParamInterface<Broken> {};

TEST_P(BrokenRequest, IsRefused) {
  start();
  RawClient client = connect();
  client.send(GetParam().request);
  const RawResponse r = client.response();
  EXPECT_EQ(r.status, GetParam().status) << r.body;
  EXPECT_TRUE(r.has("Connection: close\r\n"));
  EXPECT_TRUE(client.is_closed());
  EXPECT_EQ(ask(get("/echo")).status, 200) << "others are still served";
}

std::string with(std::string_view headers, std::string_view rest = "") {
  return "POST /echo HTTP/1.1\r\nHost: h\r\n" + std::string(headers) + "\r\n" + std::string(rest);
}

INSTANTIATE_TEST_SUITE_P(
    Http, BrokenRequest,
    testing::Values(
        Broken{"Noise", "\x01\x02\x03", 400},                                 //
        Broken{"TlsHello", std::string("\x16\x03\x01\x02\x00\x01", 6), 400},  //
        Broken{"NoTarget", "GET\r\n\r\n", 400},
        Broken{"SpaceInTarget", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 505},
        Broken{"NulInTarget", std::string("GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n", 29), 400},
        Broken{"NulInHeader", with(std::string("X: a\0b\r\n", 8)), 400},
        Broken{"BareCarriageReturn", with("X: a\rY: b\r\n"), 400},
        Broken{"BareLineFeed", with("X: a\nY: b\r\n"), 400},
        Broken{"SpaceBeforeColon", with("X : a\r\n"), 400},  //
        Broken{"NoColon", with("X\r\n"), 400}, Broken{"Http2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        Broken{"Http09", "GET / HTTP/0.9\r\n\r\n", 505},  //
        Broken{"NoHost", "GET / HTTP/1.1\r\n\r\n", 400}, Broken{"TwoHosts", with("Host: i\r\n"), 400},
        Broken{"TwoLengths", with("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"), 400},
        Broken{"TheSameLengthTwice", with("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 400},
        Broken{"ListOfLengths", with("Content-Length: 5, 6\r\n", "hello!"), 400},
        Broken{"NegativeLength", with("Content-Length: -1\r\n"), 400},
        Broken{"SignedLength", with("Content-Length: +5\r\n", "hello"), 400},
        Broken{"HexadecimalLength", with("Content-Length: 0x5\r\n", "hello"), 400},
        Broken{"OverflowingLength", with("Content-Length: 18446744073709551617\r\n", "x"), 400},
        Broken{"LengthAndEncoding", with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
               400},
        Broken{"EncodingAndLength", with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
               400},
        Broken{"TwoEncodings", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
        Broken{"UnknownEncoding", with("Transfer-Encoding: gzip\r\n", "x"), 400},
        Broken{"ListOfEncodings", with("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 400},
        Broken{"EncodingOfHttp10", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        Broken{"NoChunkSize", with("Transfer-Encoding: chunked\r\n", "x\r\n"), 400},
        Broken{"OverflowingChunkSize", with("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n"), 400},
        Broken{"ChunkLongerThanItsSize", with("Transfer-Encoding: chunked\r\n", "2\r\nabc\r\n0\r\n\r\n"),
               400},
        Broken{"EndlessChunkExtension",
               with("Transfer-Encoding: chunked\r\n", "1;" + std::string(20 << 10, 'x')), 400},
        Broken{"LongHeader", with("X: " + std::string(20 << 10, 'x') + "\r\n"), 431},
        Broken{"EndlessTarget", "GET /" + std::string(20 << 10, 'x'), 431},
        Broken{"LongBody", with("Content-Length: 33554433\r\n"), 413},
        Broken{"LongChunk", with("Transfer-Encoding: chunked\r\n", "2000001\r\n"), 413}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST_F(Http, RefusesChunksThatBecomeTooMuch) {
  start(HttpLimits{.max_body = 10});
  RawClient client = connect();
  client.send(with("Transfer-Encoding: chunked\r\n", "6\r\nabcdef\r\n6\r\nabcdef\r\n"));
  const RawResponse r = client.response();
  EXPECT_EQ(r.status, 413);
  EXPECT_EQ(r.body, "/echo: the request's body is longer than 10 bytes");
}

TEST_F(Http, LetsAClientReadThatItsBodyIsTooLong) {
  start(HttpLimits{.max_body = 8 << 20});
  RawClient client = connect();
  client.send(post("/echo", std::string((8 << 20) + 1, 'x')));
  EXPECT_EQ(client.response().status, 413);
}

TEST_F(Http, LimitsAllBodiesTogether) {
  start(HttpLimits{.max_bodies = 100'000});
  RawResponse first, second;
  // Whose bytes the server reads first is its own affair: once more if it was the second's.
  for (int i = 0; i < 100 && (first.status != 200 || second.status == 200); ++i) {
    RawClient client = connect();
    client.send("POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 80000\r\n\r\n");
    ASSERT_EQ(client.response().status, 100);
    client.send(std::string(79'999, 'x'));
    second = ask(post("/echo", std::string(80'000, 'x')));
    first = client.ask("x");
  }
  EXPECT_EQ(second.status, 503);
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(ask(post("/echo", std::string(80'000, 'x'))).status, 200) << "there is room again";
}

}  // namespace
}  // namespace halcyon::serve

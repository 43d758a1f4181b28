#include "guard/body_scanner.h"

#include <gtest/gtest.h>

#include <string>

namespace halcyon::guard {
namespace {

/// How much of the bytes belongs to the body, and how it ended.
struct Taken {
  size_t bytes = 0;
  bool done = false, broken = false;
  bool operator==(const Taken&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Taken& taken) {
  return out << taken.bytes << (taken.done ? " done" : "") << (taken.broken ? " broken" : "");
}

Taken take(BodyScanner body, std::string_view first, std::string_view second) {
  size_t bytes = body.take(first);
  if (bytes == first.size()) bytes += body.take(second);
  return {bytes, body.done(), body.broken()};
}

/// Cut into two at every place: it must not make a difference.
Taken take(const BodyScanner& body, std::string_view bytes) {
  const Taken whole = take(body, bytes, "");
  for (size_t i = 0; i <= bytes.size(); ++i)
    EXPECT_EQ(take(body, bytes.substr(0, i), bytes.substr(i)), whole) << "cut at " << i << " of " << bytes;
  BodyScanner byte_by_byte = body;
  size_t taken = 0;
  for (const char& c : bytes) taken += byte_by_byte.take({&c, 1});
  EXPECT_EQ((Taken{taken, byte_by_byte.done(), byte_by_byte.broken()}), whole) << bytes;
  return whole;
}

Taken take_chunks(std::string_view bytes) { return take(BodyScanner::chunked(), bytes); }

/// The chunks end at the end of this, and what follows is not theirs.
void expect_whole(const std::string& chunks) {
  EXPECT_EQ(take_chunks(chunks), (Taken{chunks.size(), true, false})) << chunks;
  EXPECT_EQ(take_chunks(chunks + "HTTP/1.1 200 OK"), (Taken{chunks.size(), true, false})) << chunks;
  for (size_t i = 0; i < chunks.size(); ++i)
    EXPECT_EQ(take_chunks(chunks.substr(0, i)), (Taken{i, false, false})) << chunks << " up to " << i;
}

void expect_broken(const std::string& chunks) {
  EXPECT_TRUE(take_chunks(chunks).broken) << chunks;
  EXPECT_FALSE(take_chunks(chunks).done) << chunks;
}

TEST(BodyScanner, NoneIsDoneBeforeItBegins) {
  EXPECT_TRUE(BodyScanner::none().done());
  EXPECT_EQ(take(BodyScanner::none(), "GET /"), (Taken{0, true, false}));
}

TEST(BodyScanner, ALengthIsCounted) {
  EXPECT_EQ(take(BodyScanner::length(5), "hell"), (Taken{4, false, false}));
  EXPECT_EQ(take(BodyScanner::length(5), "hello"), (Taken{5, true, false}));
  EXPECT_EQ(take(BodyScanner::length(5), "hello, world"), (Taken{5, true, false}));
  EXPECT_EQ(take(BodyScanner::length(0), "hello"), (Taken{0, true, false}));
  EXPECT_EQ(take(BodyScanner::length(UINT64_MAX), "hello"), (Taken{5, false, false}));
}

TEST(BodyScanner, UntilCloseTakesAll) {
  EXPECT_EQ(take(BodyScanner::until_close(), "0\r\n\r\nand more"), (Taken{13, false, false}));
  EXPECT_TRUE(BodyScanner::until_close().ends_with_connection());
  EXPECT_FALSE(BodyScanner::chunked().ends_with_connection());
  EXPECT_FALSE(BodyScanner::length(1).ends_with_connection());
}

TEST(BodyScanner, ChunksEndWithAnEmptyOne) {
  expect_whole("0\r\n\r\n");
  expect_whole("5\r\nhello\r\n0\r\n\r\n");
  expect_whole("1\r\n0\r\n2\r\n\r\n\r\n0\r\n\r\n");
}

TEST(BodyScanner, SizesAreHexadecimalWithAnyZerosInFront) {
  expect_whole("a\r\n0123456789\r\n0\r\n\r\n");
  expect_whole("0000000000000000000000A\r\n0123456789\r\n000\r\n\r\n");
  expect_whole("1f\r\n" + std::string(31, 'x') + "\r\n0\r\n\r\n");
}

TEST(BodyScanner, ExtensionsArePassedOn) {
  expect_whole("5;a=\"b;c\"\r\nhello\r\n0;last\r\n\r\n");
  expect_whole("5 ; a\r\nhello\r\n0\t\r\n\r\n");
}

TEST(BodyScanner, TrailersBelongToTheBody) {
  expect_whole("0\r\nX-Checksum: 1\r\n\r\n");
  expect_whole("3\r\nabc\r\n0\r\nX: y\r\nZ:\r\n\r\n");
}

TEST(BodyScanner, SizesThatAreNoneAreBroken) {
  for (const char* chunks : {"\r\n", " 5\r\nhello\r\n", "-5\r\n", "+5\r\nhello", "0x5\r\nhello", "g\r\n",
                             "5,\r\nhello", ";a\r\n", "5\rhello", "\n0\r\n\r\n"})
    expect_broken(chunks);
}

TEST(BodyScanner, SizesThatOverflowAreBroken) {
  EXPECT_EQ(take_chunks("fffffffffffffff\r\nabc"), (Taken{20, false, false}));
  for (const char* chunks :
       {"1000000000000000\r\n", "10000000000000000\r\n\r\n", "10000000000000005\r\nhello\r\n",
        "ffffffffffffffff\r\n", "00ffffffffffffffff0\r\n"})
    expect_broken(chunks);
}

TEST(BodyScanner, LinesEndWithBothCharacters) {
  for (const char* chunks :
       {"5\nhello\r\n0\r\n\r\n", "5;a\nhello\r\n", "5\r\nhello\n0\r\n\r\n", "5\r\nhello0\r\n\r\n",
        "5\r\nhello!\r\n0\r\n\r\n", "0\r\n\n", "0\r\nX: y\r\n\n", "0\r\n\r\r\n", "5;a\rb\r\nhello"})
    expect_broken(chunks);
}

TEST(BodyScanner, NothingIsTakenBehindWhatIsBroken) {
  BodyScanner body = BodyScanner::chunked();
  EXPECT_EQ(body.take("5\r\nhello!\r\n0\r\n\r\n"), 9u);
  EXPECT_TRUE(body.broken());
  EXPECT_EQ(body.take("0\r\n\r\n"), 0u);
}

TEST(BodyScanner, ExtensionsAndTrailersHaveAnEnd) {
  const auto broken = [](const std::string& chunks) {
    BodyScanner body = BodyScanner::chunked();
    body.take(chunks);
    return body.broken();
  };
  EXPECT_FALSE(broken("5;" + std::string(16 << 10, 'a')));
  EXPECT_TRUE(broken("5;" + std::string((16 << 10) + 1, 'a')));
  std::string trailers = "0\r\n";
  for (int i = 0; i < 1000; ++i) trailers += "X-Trailer: abcdefgh\r\n";
  EXPECT_TRUE(broken(trailers));
  // But each chunk has its own.
  std::string chunks;
  for (int i = 0; i < 1000; ++i) chunks += "1;abcdefghijklmnopqrstuvwxyz\r\n!\r\n";
  EXPECT_FALSE(broken(chunks));
}

}  // namespace
}  // namespace halcyon::guard

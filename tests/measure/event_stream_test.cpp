#include "measure/event_stream.h"

#include <gmock/gmock.h>

#include <vector>

#include "tests/support/support.h"

namespace halcyon::measure {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// What comes of a body that arrives `piece` bytes at a time.
std::vector<std::string> events(EventStream::Format format, std::string_view body, size_t piece) {
  std::vector<std::string> found;
  EventStream stream(format, [&](std::string_view data) -> Result<void> {
    found.emplace_back(data);
    return {};
  });
  for (; !body.empty(); body.remove_prefix(std::min(piece, body.size())))
    EXPECT_TRUE(stream.feed(body.substr(0, piece)));
  EXPECT_TRUE(stream.finish());
  return found;
}

TEST(EventStream, ServerSentEventsInPiecesOfAnySize) {
  for (const size_t piece : {1, 3, 1000})
    EXPECT_THAT(events(EventStream::Format::sse,
                       "data: {\"a\":1}\n\n: a comment\n\ndata:b\r\n\r\ndata: [DONE]\n\n", piece),
                ElementsAre("{\"a\":1}", "b", "[DONE]"));
}

TEST(EventStream, LinesOfOneEventBelongTogether) {
  EXPECT_THAT(events(EventStream::Format::sse, "event: x\nid: 1\ndata: one\ndata: two\n\n", 1000),
              ElementsAre("one\ntwo"));
}

TEST(EventStream, JsonLines) {
  for (const size_t piece : {1, 1000})
    EXPECT_THAT(events(EventStream::Format::ndjson, "{\"a\":1}\n\n{\"b\":2}\r\n", piece),
                ElementsAre("{\"a\":1}", "{\"b\":2}"));
}

TEST(EventStream, TheLastEventNeedsNoEnd) {
  EXPECT_THAT(events(EventStream::Format::sse, "data: a\n\ndata: b", 1000), ElementsAre("a", "b"));
  EXPECT_THAT(events(EventStream::Format::ndjson, "{}", 1000), ElementsAre("{}"));
}

TEST(EventStream, AnEventWithoutEndIsRefused) {
  EventStream stream(
      EventStream::Format::sse, [](std::string_view) -> Result<void> { return {}; }, 100);
  EXPECT_TRUE(stream.feed("data: " + std::string(50, 'x') + "\n"));
  EXPECT_ERROR(stream.feed("data: " + std::string(50, 'x')), HasSubstr("longer than 100 bytes"));
}

TEST(EventStream, AnErrorOfWhoeverListensIsPassedOn) {
  EventStream stream(EventStream::Format::ndjson,
                     [](std::string_view) -> Result<void> { return fail("enough"); });
  EXPECT_ERROR(stream.feed("{}\n"), HasSubstr("enough"));
}

}  // namespace
}  // namespace halcyon::measure

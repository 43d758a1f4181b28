#include "base/quote.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <random>

namespace halcyon {
namespace {

TEST(Quote, PrintableTextStaysAsItIs) {
  EXPECT_EQ(quote(""), "\"\"");
  EXPECT_EQ(quote("blk.0.attn_q"), "\"blk.0.attn_q\"");
  EXPECT_EQ(quote("Ġgrün 日本 🦜"), "\"Ġgrün 日本 🦜\"");
}

TEST(Quote, EscapesWhatWouldEndTheQuoteOrTheLineOrCommandATerminal) {
  EXPECT_EQ(quote("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(quote("a\nb\rc\td"), R"("a\nb\rc\td")");
  EXPECT_EQ(quote(std::string_view("\0\x1b[2J\x7f", 6)), R"("\x00\x1b[2J\x7f")");
  EXPECT_EQ(quote("\xC2\x9B"), R"("\x9b")");  // CSI in one character
  EXPECT_EQ(quote("\xE2\x80\xAE\xE2\x80\xA8"), R"("\u202e\u2028")");
}

TEST(Quote, BytesThatAreNotUtf8AreEscapedOneByOne) {
  EXPECT_EQ(quote("\xFF\x80"
                  "a"),
            R"("\xff\x80a")");
  EXPECT_EQ(quote("GGU\xC6"), R"("GGU\xc6")");  // ends within a character
  EXPECT_EQ(quote("\xE6\x97"), R"("\xe6\x97")");
  EXPECT_EQ(quote("\xC0\xAF"), R"("\xc0\xaf")");                  // overlong
  EXPECT_EQ(quote("\xED\xA0\x80"), R"("\xed\xa0\x80")");          // a surrogate
  EXPECT_EQ(quote("\xF4\x90\x80\x80"), R"("\xf4\x90\x80\x80")");  // above U+10FFFF
}

TEST(Quote, LongTextIsCutBetweenCharacters) {
  EXPECT_EQ(quote("abcdef", 6), "\"abcdef\"");
  EXPECT_EQ(quote("abcdef", 3), "\"abc…\"");
  EXPECT_EQ(quote("日本", 4), "\"日…\"");
  EXPECT_LT(quote(std::string(100'000, '\n')).size(), 300u);
}

TEST(OneLine, KeepsQuotesAndEscapesTheRest) {
  EXPECT_EQ(one_line("a \"b\" \\ c"), "a \"b\" \\ c");
  EXPECT_EQ(one_line("\x1b[2J\n\u202e"), R"(\x1b[2J\n\u202e)");
  EXPECT_EQ(one_line("\xff"), R"(\xff)");
  EXPECT_EQ(one_line("abcdef", 3), "abc…");
  EXPECT_EQ(one_line("ab\"cdef", 4), "ab\"c…");
  EXPECT_EQ(one_line("", 4), "");
}

TEST(Quote, AnyBytesGiveOneLine) {
  constexpr uint32_t kSeed = 5;
  SCOPED_TRACE(fmt::format("seed {}", kSeed));
  std::mt19937 random(kSeed);
  for (int i = 0; i < 10'000; ++i) {
    std::string text(random() % 20, ' ');
    for (char& c : text) c = static_cast<char>(random());
    for (const char c : quote(text)) EXPECT_TRUE(static_cast<uint8_t>(c) >= 0x20 && c != 0x7F);
  }
}

}  // namespace
}  // namespace halcyon

#include "serve/reasoning.h"

#include <gtest/gtest.h>

#include "engine/random.h"

namespace halcyon::serve {

using Parts = ReasoningSplitter::Parts;

static void PrintTo(const Parts& parts, std::ostream* out) {
  *out << "reasoning " << testing::PrintToString(parts.reasoning) << ", content "
       << testing::PrintToString(parts.content);
}

namespace {

/// All that comes out of `text` when it arrives in pieces of the lengths that `length` gives.
template <class Length>
Parts split(std::string_view text, bool starts_inside, Length length) {
  ReasoningSplitter splitter(starts_inside);
  Parts all;
  const auto add = [&](const Parts& parts) {
    all.reasoning += parts.reasoning;
    all.content += parts.content;
  };
  while (!text.empty()) {
    const size_t n = std::min(text.size(), length());
    add(splitter.push(text.substr(0, n)));
    text.remove_prefix(n);
  }
  add(splitter.finish());
  return all;
}

/// The parts of a text, however it is cut.
void expect_parts(std::string_view text, const Parts& expected, bool starts_inside = false) {
  SCOPED_TRACE(testing::PrintToString(text));
  EXPECT_EQ(split(text, starts_inside, [&] { return text.size(); }), expected) << "in one piece";
  EXPECT_EQ(split(text, starts_inside, [] { return size_t{1}; }), expected) << "byte by byte";
  for (size_t cut = 1; cut < text.size(); ++cut) {
    bool first = true;
    const auto length = [&] { return std::exchange(first, false) ? cut : text.size(); };
    EXPECT_EQ(split(text, starts_inside, length), expected) << "cut at " << cut;
  }
}

TEST(Reasoning, IsWhatIsInTheThinkBlockAtTheBeginning) {
  expect_parts("<think>Let me see.</think>It is 4.", {"Let me see.", "It is 4."});
  expect_parts("It is 4.", {"", "It is 4."});
  expect_parts("", {"", ""});
}

TEST(Reasoning, LosesTheNewlinesNextToTheTags) {
  expect_parts("<think>\nOne.\n\nTwo.\n</think>\n\nIt is 4.\n", {"One.\n\nTwo.", "It is 4.\n"});
  expect_parts("<think>\n\n</think>\n\nIt is 4.", {"", "It is 4."});
  expect_parts("<think>\r\nOne.\r\n</think>\r\nIt is 4.", {"One.", "It is 4."});
  expect_parts("<think>  One. </think>  It is 4.", {"  One. ", "  It is 4."});
}

TEST(Reasoning, MayFollowWhiteSpace) {
  expect_parts("\n <think>One.</think>Two.", {"One.", "Two."});
  expect_parts("\n Two.", {"", "\n Two."});
  expect_parts("\n ", {"", "\n "});
}

TEST(Reasoning, BeginsAtOnceIfTheTemplateOpenedTheBlock) {
  expect_parts("One.\n</think>\n\nTwo.", {"One.", "Two."}, true);
  expect_parts("</think>Two.", {"", "Two."}, true);
  EXPECT_TRUE(opens_reasoning("<|im_start|>assistant\n<think>\n"));
  EXPECT_TRUE(opens_reasoning("<think>"));
  EXPECT_FALSE(opens_reasoning("<think>\n\n</think>\n\n"));
  EXPECT_FALSE(opens_reasoning("<|im_start|>assistant\n"));
  EXPECT_FALSE(opens_reasoning(" \n"));
  EXPECT_FALSE(opens_reasoning(""));
}

TEST(Reasoning, IsAllThereIsIfTheBlockIsNeverClosed) {
  expect_parts("<think>One. Tw", {"One. Tw", ""});
  expect_parts("<think>One.\n</thin", {"One.\n</thin", ""});
  expect_parts("One.\n", {"One.\n", ""}, true);
}

TEST(Reasoning, TextThatOnlyLooksLikeATagComesThrough) {
  expect_parts("<thin", {"", "<thin"});
  expect_parts("<thinking>One.</thinking>", {"", "<thinking>One.</thinking>"});
  expect_parts(" <<think>One.", {"", " <<think>One."});
  expect_parts("<think>a </thin> b <</think>c", {"a </thin> b <", "c"});
  expect_parts("<think>a\n</\n</think>c", {"a\n</", "c"});
  expect_parts("<think>\n</x\n</think>c", {"</x", "c"});
}

TEST(Reasoning, IsOnlyTheFirstBlock) {
  expect_parts("<think>One.</think>Two. <think>Three.</think>", {"One.", "Two. <think>Three.</think>"});
  expect_parts("Write <think>One.</think>", {"", "Write <think>One.</think>"});
  expect_parts("<think><think>One.</think></think>Two.", {"<think>One.", "</think>Two."});
}

TEST(Reasoning, HoldsBackNoMoreThanATagMayNeed) {
  ReasoningSplitter splitter(false);
  EXPECT_EQ(splitter.push("<think>One."), (Parts{"One.", ""}));
  EXPECT_EQ(splitter.push(" a < b"), (Parts{" a < b", ""}));
  EXPECT_EQ(splitter.push("\n</"), (Parts{"", ""}));
  EXPECT_EQ(splitter.push("p>"), (Parts{"\n</p>", ""}));
  EXPECT_EQ(splitter.push("</think>Two <think"), (Parts{"", "Two <think"}));
  EXPECT_EQ(splitter.finish(), (Parts{"", ""}));
}

TEST(Reasoning, IsTheSameInRandomPieces) {
  constexpr uint64_t kSeed = 11;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  engine::Random random(kSeed);
  const std::string_view parts[] = {"<think>", "</think>", "\n", "<", "</", "think>", "a", " "};
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (uint64_t n = random.next() % 10; n > 0; --n) text += parts[random.next() % std::size(parts)];
    const bool inside = random.next() % 2 == 0;
    const Parts whole = split(text, inside, [&] { return text.size(); });
    ASSERT_EQ(split(text, inside, [&] { return 1 + random.next() % 4; }), whole)
        << testing::PrintToString(text);
  }
}

}  // namespace
}  // namespace halcyon::serve

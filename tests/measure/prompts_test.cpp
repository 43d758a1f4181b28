#include "measure/prompts.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace halcyon::measure {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

int words_in(const std::string& text) { return static_cast<int>(std::ranges::count(text, ' ')) + 1; }

/// A server whose words have `per_word` tokens, on top of `overhead` of a template.
class Words final : public Dialect {
 public:
  bool tells_tokens = false;
  double per_word = 1;
  int overhead = 0;

  int count(const Prompt& prompt) const {
    return overhead + static_cast<int>(std::lround(per_word * words_in(prompt.text)));
  }

  std::string_view name() const override { return "words"; }
  Result<std::vector<std::string>> models() override { return std::vector<std::string>(); }
  Result<void> load() override { return {}; }
  std::optional<std::vector<int32_t>> tokenize(std::string_view text) override {
    if (!tells_tokens) return std::nullopt;
    return std::vector<int32_t>(static_cast<size_t>(words_in(std::string(text)) * per_word), 7);
  }
  Result<Generation> generate(const Prompt&, const GenerateOptions&, const OnFirst&) override {
    return Generation();
  }
};

TEST(Prompts, AreExactWhereTheServerTellsTokens) {
  Words server;
  server.tells_tokens = true;
  server.per_word = 1.5;
  PromptMaker prompts(1);
  for (const int n : {1, 16, 128, 4096}) EXPECT_THAT(prompts.of_length(server, n).tokens, SizeIs(n));
}

TEST(Prompts, AreLearnedFromUsageElsewhere) {
  Words server;
  server.per_word = 1.37;
  server.overhead = 11;
  PromptMaker prompts(1);
  for (const int words : {8, 64}) prompts.learn(server.count(prompts.of_length(server, words)));
  for (const int n : {16, 128, 512, 4096}) {
    const Prompt prompt = prompts.of_length(server, n);
    EXPECT_THAT(prompt.tokens, IsEmpty());
    EXPECT_NEAR(server.count(prompt), n, 0.01 * n + 2) << n;
    prompts.learn(server.count(prompt));
  }
}

TEST(Prompts, AnOverheadAboveTheLengthLeavesOneWord) {
  Words server;
  server.overhead = 40;
  PromptMaker prompts(1);
  for (const int words : {8, 64}) prompts.learn(server.count(prompts.of_length(server, words)));
  EXPECT_EQ(words_in(prompts.of_length(server, 16).text), 1);
}

TEST(Prompts, NonsenseFromTheServerStillGivesAPrompt) {
  Words server;
  PromptMaker prompts(1);
  for (const int tokens : {0, 1'000'000'000, 0, 3}) {
    const Prompt prompt = prompts.of_length(server, 512);
    EXPECT_GE(words_in(prompt.text), 1);
    EXPECT_LT(prompt.text.size(), 100'000);
    prompts.learn(tokens);
  }
}

TEST(Prompts, NoTwoBeginAlike) {
  Words server;
  PromptMaker prompts(1);
  std::set<std::string> beginnings;
  const auto first_word = [](const Prompt& prompt) { return prompt.text.substr(0, prompt.text.find(' ')); };
  for (int i = 0; i < 30; ++i) {
    EXPECT_TRUE(beginnings.insert(first_word(prompts.of_length(server, 16))).second);
    EXPECT_TRUE(beginnings.insert(first_word(prompts.story())).second);
  }
}

TEST(Prompts, TwoMeasurementsDiffer) {
  Words server;
  EXPECT_NE(PromptMaker(1).of_length(server, 16).text, PromptMaker(2).of_length(server, 16).text);
}

TEST(Prompts, ThereAreNineTasks) {
  EXPECT_THAT(task_prompts(), SizeIs(9));
  for (const TaskPrompt& task : task_prompts()) EXPECT_GT(task.max_tokens, 0) << task.name;
}

}  // namespace
}  // namespace halcyon::measure

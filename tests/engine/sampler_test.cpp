#include "engine/sampler.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <map>

#include "tests/support/support.h"

namespace halcyon::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// Every sampler off: tokens are drawn from the softmax as it is.
SamplingParams plain() {
  SamplingParams p;
  p.temperature = 1;
  p.top_k = 0;
  p.top_p = 1;
  p.min_p = 0;
  p.seed = 1;
  return p;
}

SamplingParams greedy() {
  SamplingParams p;
  p.temperature = 0;
  return p;
}

std::vector<float> logs(std::vector<float> probabilities) {
  for (float& p : probabilities) p = std::log(p);
  return probabilities;
}

/// The share of each token in `n` samples.
std::vector<double> shares(const SamplingParams& params, const std::vector<float>& logits, int n = 20000,
                           const std::vector<Token>& history = {}) {
  Result<Sampler> sampler = Sampler::create(params, static_cast<int32_t>(logits.size()));
  EXPECT_TRUE(sampler.has_value());
  std::vector<double> share(logits.size());
  for (int i = 0; i < n; ++i) {
    const Result<Token> token = sampler->sample(logits, history);
    EXPECT_TRUE(token.has_value());
    share.at(static_cast<size_t>(*token)) += 1.0 / n;
  }
  return share;
}

/// Pearson's chi-square of `n` samples against `expected` probabilities.
double chi_square(const std::vector<double>& share, const std::vector<double>& expected, int n = 20000) {
  double sum = 0;
  for (size_t i = 0; i < share.size(); ++i) {
    if (expected[i] == 0) {
      EXPECT_EQ(share[i], 0) << "token " << i << " is impossible";
      continue;
    }
    sum += n * (share[i] - expected[i]) * (share[i] - expected[i]) / expected[i];
  }
  return sum;
}

std::vector<double> softmax(const std::vector<float>& logits, double temperature) {
  std::vector<double> p;
  double total = 0;
  for (const float l : logits) total += p.emplace_back(std::exp(l / temperature));
  for (double& x : p) x /= total;
  return p;
}

Token sample(const SamplingParams& params, const std::vector<float>& logits,
             const std::vector<Token>& history = {}) {
  Result<Sampler> sampler = Sampler::create(params, static_cast<int32_t>(logits.size()));
  EXPECT_TRUE(sampler.has_value());
  const Result<Token> token = sampler->sample(logits, history);
  EXPECT_TRUE(token.has_value()) << token.error().message;
  return token.value_or(-1);
}

// Temperature and seed.

TEST(Greedy, TakesTheLargestLogitAndTheLowestIdAmongEquals) {
  EXPECT_EQ(sample(greedy(), {1, 3, 2}), 1);
  EXPECT_EQ(sample(greedy(), {1, 3, 2, 3, 3}), 1);
  EXPECT_EQ(sample(greedy(), {-5, -kInfinity, -4}), 2);
}

TEST(Temperature, DrawsFromTheSoftmax) {
  const std::vector<float> logits = {0, 1, 2, -1, 0.5f};
  for (const float t : {0.5f, 1.0f, 2.0f}) {
    SamplingParams p = plain();
    p.temperature = t;
    // 4 degrees of freedom: 18.5 is exceeded once in a thousand seeds.
    EXPECT_LT(chi_square(shares(p, logits), softmax(logits, t)), 18.5) << "temperature " << t;
  }
}

TEST(Temperature, NearZeroIsGreedyAndVeryLargeIsUniform) {
  SamplingParams p = plain();
  p.temperature = 1e-30f;
  EXPECT_THAT(shares(p, {1, 2, 1.99f}, 100), ElementsAre(0, testing::DoubleEq(1), 0));
  p.temperature = 1e30f;
  EXPECT_LT(chi_square(shares(p, {1, 20, -30, 4}), {0.25, 0.25, 0.25, 0.25}), 16.3);
}

TEST(Seed, TheSameSeedGivesTheSameTokensEverywhere) {
  SamplingParams p = plain();
  p.seed = 42;
  Result<Sampler> sampler = Sampler::create(p, 10);
  ASSERT_TRUE(sampler);
  std::vector<Token> tokens;
  for (int i = 0; i < 12; ++i) tokens.push_back(*sampler->sample(std::vector<float>(10, 0), {}));
  // With equal logits the tokens are the leading decimals of SplitMix64(42).
  EXPECT_THAT(tokens, ElementsAre(7, 1, 2, 3, 0, 8, 2, 8, 3, 6, 2, 4));
}

TEST(Seed, IsRandomIfNoneIsGivenAndThenKnown) {
  SamplingParams p = plain();
  p.seed.reset();
  const uint64_t a = Sampler::create(p, 10)->seed();
  const uint64_t b = Sampler::create(p, 10)->seed();
  const uint64_t c = Sampler::create(p, 10)->seed();
  EXPECT_FALSE(a == b && b == c);
}

// Truncation.

TEST(TopK, LeavesTheKMostLikelyInTheirProportions) {
  SamplingParams p = plain();
  p.top_k = 2;
  EXPECT_LT(chi_square(shares(p, logs({0.1f, 0.4f, 0.3f, 0.2f})), {0, 4.0 / 7, 3.0 / 7, 0}), 10.9);
}

TEST(TopK, KeepsTheLowerIdAmongEquals) {
  SamplingParams p = plain();
  p.top_k = 2;
  const std::vector<double> share = shares(p, std::vector<float>(100, 0), 1000);
  EXPECT_DOUBLE_EQ(share[0] + share[1], 1);
}

TEST(TopK, EqualsSortingForAnySizeAndOrder) {
  Random random(7);
  for (const size_t n : {1u, 2u, 63u, 64u, 65u, 1000u, 5000u}) {
    for (const size_t k : {1u, 2u, 40u, 64u, 500u, 4999u, 100000u}) {
      std::vector<float> logits(n);
      for (float& l : logits) l = static_cast<float>(random.next() % 200);  // with many equals
      std::vector<Candidate> sorted;
      for (size_t i = 0; i < n; ++i) sorted.push_back({static_cast<Token>(i), logits[i]});
      std::ranges::stable_sort(sorted, std::greater<>(), &Candidate::logit);
      sorted.resize(std::min(n, k));
      Candidates candidates;
      candidates.assign(logits, k);
      std::vector<Candidate> found(candidates.items().begin(), candidates.items().end());
      std::ranges::sort(
          found, [](auto a, auto b) { return a.logit > b.logit || (a.logit == b.logit && a.id < b.id); });
      ASSERT_EQ(found.size(), sorted.size());
      for (size_t i = 0; i < found.size(); ++i)
        ASSERT_EQ(found[i].id, sorted[i].id) << n << ' ' << k << ' ' << i;
    }
  }
}

TEST(TopP, LeavesTheFewestThatReachP) {
  SamplingParams p = plain();
  const std::vector<float> logits = logs({0.1f, 0.5f, 0.3f, 0.1f});
  p.top_p = 0.45f;
  EXPECT_LT(chi_square(shares(p, logits), {0, 1, 0, 0}), 1e-9);
  p.top_p = 0.75f;
  EXPECT_LT(chi_square(shares(p, logits), {0, 5.0 / 8, 3.0 / 8, 0}), 10.9);
  p.top_p = 0.85f;  // the lower id of the two at 0.1
  EXPECT_LT(chi_square(shares(p, logits), {1.0 / 9, 5.0 / 9, 3.0 / 9, 0}), 13.9);
}

TEST(TopP, ZeroLeavesTheMostLikely) {
  SamplingParams p = plain();
  p.top_p = 0;
  EXPECT_THAT(shares(p, {1, 2, 1.9f}, 100), ElementsAre(0, testing::DoubleEq(1), 0));
}

TEST(TopP, CountsProbabilitiesAmongWhatTopKLeft) {
  SamplingParams p = plain();
  p.top_k = 2;
  p.top_p = 0.6f;  // 0.4 of the remaining 0.7 is 0.57: not enough
  EXPECT_LT(chi_square(shares(p, logs({0.1f, 0.4f, 0.3f, 0.2f})), {0, 4.0 / 7, 3.0 / 7, 0}), 10.9);
  p.top_p = 0.5f;
  EXPECT_LT(chi_square(shares(p, logs({0.1f, 0.4f, 0.3f, 0.2f})), {0, 1, 0, 0}), 1e-9);
}

TEST(TopP, WorksWhereThousandsOfTokensShareTheProbability) {
  Candidates candidates;
  candidates.assign(std::vector<float>(10000, 3), 10000);
  candidates.top_p(0.2501);
  ASSERT_EQ(candidates.items().size(), 2501u);
  EXPECT_EQ(candidates.items().front().id, 0);
  EXPECT_EQ(candidates.items().back().id, 2500);
}

TEST(MinP, LeavesWhatIsAtLeastSoLikelyAsTheBest) {
  SamplingParams p = plain();
  p.min_p = 0.5f;
  EXPECT_LT(chi_square(shares(p, logs({0.39f, 0.21f, 0.19f, 0.21f})), {39.0 / 81, 21.0 / 81, 0, 21.0 / 81}),
            13.9);
  p.min_p = 1;
  EXPECT_LT(chi_square(shares(p, {2, 1, 2}), {0.5, 0, 0.5}), 10.9);
}

TEST(Typical, PrefersInformationNearTheEntropy) {
  // Entropy of (0.5, 0.25, 0.125, 0.125) is 1.75 bits; the tokens carry 1, 2, 3 and 3 bits, so that the
  // nearest is the second, then the first.
  SamplingParams p = plain();
  const std::vector<float> logits = logs({0.5f, 0.25f, 0.125f, 0.125f});
  p.typical_p = 0.2f;
  EXPECT_LT(chi_square(shares(p, logits), {0, 1, 0, 0}), 1e-9);
  p.typical_p = 0.6f;
  EXPECT_LT(chi_square(shares(p, logits), {2.0 / 3, 1.0 / 3, 0, 0}), 10.9);
}

TEST(Typical, ComesBeforeTopP) {
  SamplingParams p = plain();
  p.typical_p = 0.2f;  // leaves token 1 alone, and top_p has nothing else to take
  p.top_p = 0.1f;
  EXPECT_THAT(shares(p, logs({0.5f, 0.25f, 0.125f, 0.125f}), 100),
              ElementsAre(0, testing::DoubleEq(1), 0, 0));
}

// Bias and penalties.

TEST(LogitBias, RaisesAndBansTokens) {
  SamplingParams p = greedy();
  p.logit_bias = {{2, 5.0f}};
  EXPECT_EQ(sample(p, {3, 2, 0}), 2);
  p.logit_bias = {{2, 5.0f}, {2, -4.0f}};  // they add up
  EXPECT_EQ(sample(p, {3, 2, 0}), 0);
  p.logit_bias = {{0, -kInfinity}, {0, 100.0f}};
  EXPECT_EQ(sample(p, {3, 2, 0}), 1);
}

TEST(RepeatPenalty, DividesPositiveAndMultipliesNegativeLogits) {
  SamplingParams p = greedy();
  p.repeat_penalty = 2;
  EXPECT_EQ(sample(p, {3, 2, 1.6f}, {0}), 1);     // 1.5, 2, 1.6
  EXPECT_EQ(sample(p, {3, 2, 1.6f}, {0, 1}), 2);  // 1.5, 1, 1.6
  EXPECT_EQ(sample(p, {-1, -1.5f}, {0}), 1);      // -2, -1.5
  EXPECT_EQ(sample(p, {-1, -2.5f}, {0, 0}), 0);   // once, however often it was there
}

TEST(PresenceAndFrequencyPenalty, CountOnceOrEachTime) {
  SamplingParams p = greedy();
  p.presence_penalty = 1;
  EXPECT_EQ(sample(p, {3, 2.5f}, {0}), 1);
  EXPECT_EQ(sample(p, {3, 1.5f}, {0, 0, 0}), 0);
  p.presence_penalty = 0;
  p.frequency_penalty = 1;
  EXPECT_EQ(sample(p, {3, 1.5f}, {0}), 0);
  EXPECT_EQ(sample(p, {3, 1.5f}, {0, 0}), 1);
  p.frequency_penalty = -1;  // wants repetition
  EXPECT_EQ(sample(p, {3, 1.5f}, {1, 1}), 1);
}

TEST(RepeatLastN, LimitsWhatCounts) {
  SamplingParams p = greedy();
  p.presence_penalty = 5;
  p.repeat_last_n = 2;
  EXPECT_EQ(sample(p, {3, 2, 1}, {0, 1, 2}), 0);
  p.repeat_last_n = 3;
  EXPECT_EQ(sample(p, {3, 2, 1}, {0, 1, 1}), 2);
  p.repeat_last_n = -1;
  EXPECT_EQ(sample(p, {3, 2, 1}, {0, 2, 2, 2, 2}), 1);
  p.repeat_last_n = 0;
  EXPECT_EQ(sample(p, {3, 2, 1}, {0, 1, 2}), 0);
}

TEST(Penalties, OneSampleDoesNotLeakIntoTheNext) {
  SamplingParams p = greedy();
  p.presence_penalty = 5;
  p.dry_multiplier = 5;
  Result<Sampler> sampler = Sampler::create(p, 2);
  ASSERT_TRUE(sampler);
  EXPECT_EQ(*sampler->sample(std::vector<float>{2, 1}, std::vector<Token>{0, 0, 0}), 1);
  EXPECT_EQ(*sampler->sample(std::vector<float>{2, 1}, {}), 0);
}

// DRY.

SamplingParams dry() {
  SamplingParams p = greedy();
  p.dry_multiplier = 1;
  p.dry_base = 2;
  p.dry_allowed_length = 2;
  return p;
}

/// The logits after DRY, from zeros.
std::vector<float> dry_logits(const SamplingParams& p, const std::vector<Token>& history,
                              std::vector<bool> breakers = {}) {
  std::vector<float> logits(8);
  std::vector<uint32_t> scratch(8);
  Dry(p, std::move(breakers)).apply(logits, history, scratch);
  EXPECT_THAT(scratch, testing::Each(0u));
  return logits;
}

TEST(DryTest, LowersWhatFollowedTheSameTokensBefore) {
  // "1 2" was followed by 3. Two repeated tokens are allowed: 1 * 2^0.
  EXPECT_THAT(dry_logits(dry(), {1, 2, 3, 4, 1, 2}), ElementsAre(0, 0, 0, -1, 0, 0, 0, 0));
  // One token more: 1 * 2^1.
  EXPECT_THAT(dry_logits(dry(), {5, 1, 2, 3, 4, 5, 1, 2}), ElementsAre(0, 0, 0, -2, 0, 0, 0, 0));
  EXPECT_THAT(dry_logits(dry(), {2, 3, 4, 1, 2}), testing::Each(0.0f));  // one repeated token only
  EXPECT_THAT(dry_logits(dry(), {}), testing::Each(0.0f));
  EXPECT_EQ(sample(dry(), {0, 0, 0, 0.5f, 0.1f}, {1, 2, 3, 4, 1, 2}), 4);
}

TEST(DryTest, TakesTheLongestMatchOfEachToken) {
  // 3 followed "1 2" and "0 1 2"; 6 followed "1 2".
  EXPECT_THAT(dry_logits(dry(), {1, 2, 3, 0, 1, 2, 3, 1, 2, 6, 0, 1, 2}),
              ElementsAre(0, 0, 0, -2, 0, 0, -1, 0));
}

TEST(DryTest, SeesOverlappingRepetition) {
  // The last four of "7 7 7 7 7" were there one token earlier.
  EXPECT_THAT(dry_logits(dry(), {7, 7, 7, 7, 7}), ElementsAre(0, 0, 0, 0, 0, 0, 0, -4));
}

TEST(DryTest, StopsAtSequenceBreakers) {
  std::vector<bool> breakers(8);
  breakers[1] = true;
  EXPECT_THAT(dry_logits(dry(), {5, 1, 2, 3, 4, 5, 1, 2}, breakers), testing::Each(0.0f));
  EXPECT_THAT(dry_logits(dry(), {1, 2, 3, 4, 1, 2, 3}, breakers), ElementsAre(0, 0, 0, 0, -1, 0, 0, 0));
  EXPECT_THAT(dry_logits(dry(), {3, 2, 1, 3, 2, 1}, breakers), testing::Each(0.0f));
}

TEST(DryTest, LooksBackOnlyAsFarAsAsked) {
  SamplingParams p = dry();
  p.dry_penalty_last_n = 5;
  EXPECT_THAT(dry_logits(p, {1, 2, 3, 4, 1, 2}), testing::Each(0.0f));
  p.dry_penalty_last_n = 6;
  EXPECT_THAT(dry_logits(p, {1, 2, 3, 4, 1, 2}), ElementsAre(0, 0, 0, -1, 0, 0, 0, 0));
}

TEST(DryTest, EqualsTheDefinitionOnRandomTexts) {
  Random random(11);
  for (int round = 0; round < 300; ++round) {
    std::vector<Token> history(random.next() % 40);
    for (Token& t : history) t = static_cast<Token>(random.next() % 3);
    std::vector<bool> breakers(8);
    breakers[2] = round % 2;
    std::vector<float> expected(8);
    const auto n = history.size();
    for (size_t end = 0; end + 1 < n; ++end) {  // the match ends at `end`
      size_t length = 0;
      while (length <= end && history[end - length] == history[n - 1 - length] &&
             !breakers[static_cast<size_t>(history[n - 1 - length])])
        ++length;
      if (length < 2) continue;
      float& logit = expected[static_cast<size_t>(history[end + 1])];
      logit = std::min(logit, -std::pow(2.0f, static_cast<float>(length) - 2));
    }
    ASSERT_EQ(dry_logits(dry(), history, breakers), expected) << "round " << round;
  }
}

// What a model or a request may do wrong.

TEST(Robust, NanIsNeverChosen) {
  EXPECT_EQ(sample(greedy(), {kNan, 1, kNan, 2}), 3);
  EXPECT_THAT(shares(plain(), {kNan, 1, -kInfinity}, 100), ElementsAre(0, testing::DoubleEq(1), 0));
}

TEST(Robust, NothingToChooseFromIsAnError) {
  for (SamplingParams p : {greedy(), plain(), SamplingParams()}) {
    EXPECT_ERROR(
        Sampler::create(p, 3)->sample(std::vector<float>{kNan, -kInfinity, kNan}, std::vector<Token>{1, 2}),
        "no token can be chosen after 2: every logit is NaN or -inf");
    p.logit_bias = {{0, -kInfinity}};
    EXPECT_ERROR(Sampler::create(p, 1)->sample(std::vector<float>{1}, {}),
                 HasSubstr("no token can be chosen"));
  }
  EXPECT_ERROR(Sampler::create(plain(), 3)->sample(std::vector<float>{1, 2}, {}),
               "2 logits for a vocabulary of 3");
}

TEST(Robust, InfinityIsTheLargestNumber) {
  SamplingParams biased = greedy();
  biased.logit_bias = {{0, 5.0f}, {1, -5.0f}};
  EXPECT_EQ(sample(biased, {1, kInfinity, 2}), 1);
  EXPECT_EQ(sample(greedy(), {1, kInfinity, 2}), 1);
  EXPECT_LT(chi_square(shares(plain(), {1, kInfinity, kInfinity}), {0, 0.5, 0.5}), 10.9);
}

TEST(Robust, ExtremeParametersStayDefined) {
  SamplingParams p;
  p.seed = 3;
  p.top_k = std::numeric_limits<int32_t>::max();
  p.repeat_penalty = std::numeric_limits<float>::min();
  p.presence_penalty = -std::numeric_limits<float>::max();
  p.frequency_penalty = -std::numeric_limits<float>::max();
  p.dry_multiplier = p.dry_base = std::numeric_limits<float>::max();
  p.dry_allowed_length = 0;
  p.repeat_last_n = p.dry_penalty_last_n = std::numeric_limits<int32_t>::max();
  p.logit_bias = {{0, std::numeric_limits<float>::max()}, {0, std::numeric_limits<float>::max()}};
  const std::vector<Token> history(500, 1);
  for (const float t : {1e-38f, 1e38f}) {
    p.temperature = t;
    const Token token = sample(p, {1, 2, 3, 4}, history);
    EXPECT_TRUE(token >= 0 && token < 4);
  }
}

TEST(Validate, NamesTheParameterAndItsRange) {
  const auto error = [](auto change) {
    SamplingParams p;
    change(p);
    const Result<void> result = validate(p, 100);
    return result ? std::string("no error") : result.error().message;
  };
  EXPECT_EQ(error([](auto&) {}), "no error");
  EXPECT_EQ(error([](auto& p) { p.temperature = -1; }),
            "temperature is -1; it must be a finite number from 0 on");
  EXPECT_EQ(error([](auto& p) { p.temperature = kNan; }),
            "temperature is nan; it must be a finite number from 0 on");
  EXPECT_EQ(error([](auto& p) { p.top_p = 1.5f; }), "top_p is 1.5; it must be from 0 to 1");
  EXPECT_EQ(error([](auto& p) { p.min_p = -0.5f; }), "min_p is -0.5; it must be from 0 to 1");
  EXPECT_EQ(error([](auto& p) { p.typical_p = kNan; }), "typical_p is nan; it must be from 0 to 1");
  EXPECT_EQ(error([](auto& p) { p.repeat_penalty = 0; }),
            "repeat_penalty is 0; it must be a finite number above 0");
  EXPECT_EQ(error([](auto& p) { p.presence_penalty = kInfinity; }),
            "presence_penalty is inf; it must be a finite number");
  EXPECT_EQ(error([](auto& p) { p.repeat_last_n = -2; }),
            "repeat_last_n is -2; it must be -1 (all tokens) or more");
  EXPECT_EQ(error([](auto& p) { p.dry_base = 0.5f; }),
            "dry_base is 0.5; it must be a finite number from 1 on");
  EXPECT_EQ(error([](auto& p) { p.dry_allowed_length = -1; }),
            "dry_allowed_length is -1; it must be 0 or more");
  EXPECT_EQ(error([](auto& p) {
              p.logit_bias = {{100, 1.0f}};
            }),
            "logit_bias names token 100; the vocabulary has 0 to 99");
  EXPECT_EQ(error([](auto& p) {
              p.logit_bias = {{5, kNan}};
            }),
            "logit_bias of token 5 is nan; it must be a finite number, or -inf to ban the token");
}

}  // namespace
}  // namespace halcyon::engine

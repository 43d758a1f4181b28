#include "measure/prompts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace halcyon::measure {
namespace {

/// Words that are one token each in the vocabularies of most models.
constexpr std::array kWords = {
    "time",    "year",     "people",  "way",    "day",      "man",    "thing",   "woman",   "life",
    "child",   "world",    "hand",    "part",   "place",    "case",   "week",    "point",   "company",
    "number",  "group",    "problem", "fact",   "house",    "water",  "room",    "mother",  "area",
    "money",   "story",    "month",   "lot",    "right",    "study",  "book",    "eye",     "job",
    "word",    "business", "issue",   "side",   "kind",     "head",   "service", "friend",  "father",
    "power",   "hour",     "game",    "line",   "end",      "member", "law",     "car",     "city",
    "name",    "team",     "minute",  "idea",   "body",     "back",   "parent",  "face",    "others",
    "level",   "office",   "door",    "health", "person",   "art",    "war",     "history", "party",
    "result",  "change",   "morning", "reason", "research", "girl",   "guy",     "moment",  "air",
    "teacher", "force",    "order",   "foot",   "school",   "state",  "family",
};

constexpr TaskPrompt kTasks[] = {
    {"python program",
     "Write a Python module with tests that keeps the readings of a weather station in memory and answers "
     "queries for the "
     "minimum, maximum and mean of any period. Explain nothing, write only the code.",
     512},
    {"haiku", "Write a haiku about a river in winter, then say in a few sentences what each line does.", 256},
    {"translation", "Translate into French: The train to the coast leaves at seven, and it is rarely late.",
     64},
    {"two sentences", "Explain in exactly two sentences why the sky is red in the evening.", 64},
    {"logic",
     "All bakers rise early. Some musicians do not rise early. Does it follow that some musicians are not "
     "bakers? "
     "Argue formally, step by step.",
     512},
    {"number sequence", "Find the next two numbers of 3, 7, 16, 35, 74 and show how you got there.", 512},
    {"list with reasons", "List eight things to check before buying a used bicycle, each with a reason.",
     512},
    {"short story",
     "Write a short story about a lighthouse keeper who finds a letter addressed to the next keeper.", 1024},
    {"long explanation",
     "Explain in depth how a mechanical clock keeps time: the mainspring, the gear train, the escapement, "
     "the balance, "
     "and what makes it run fast or slow.",
     2048},
};

/// tokens = a + b * words, by least squares.
struct Line {
  double a = 0, b = 1;
};

Line fit(std::span<const std::pair<double, double>> points) {
  if (points.empty()) return {};
  double x_mean = 0, y_mean = 0, xx = 0, xy = 0;
  for (const auto& [x, y] : points) {
    x_mean += x / static_cast<double>(points.size());
    y_mean += y / static_cast<double>(points.size());
  }
  for (const auto& [x, y] : points) {
    xx += (x - x_mean) * (x - x_mean);
    xy += (x - x_mean) * (y - y_mean);
  }
  if (xx == 0 || xy <= 0) return {.a = 0, .b = std::max(y_mean, 1.0) / x_mean};
  return {.a = y_mean - xy / xx * x_mean, .b = xy / xx};
}

}  // namespace

std::span<const TaskPrompt> task_prompts() { return kTasks; }

std::string PromptMaker::words(int n) {
  // The first word takes turns, the others are drawn.
  std::string text = kWords[beginnings_++ % kWords.size()];
  std::uniform_int_distribution<size_t> any(0, kWords.size() - 1);
  for (int i = 1; i < n; ++i) text.append(" ").append(kWords[any(random_)]);
  return text;
}

Prompt PromptMaker::of_length(Dialect& dialect, int tokens) {
  std::string text = words(tokens);  // enough: a word has a token or more
  if (auto ids = dialect.tokenize(text); ids && ids->size() >= static_cast<size_t>(tokens)) {
    ids->resize(static_cast<size_t>(tokens));
    return {.text = "", .raw = true, .tokens = std::move(*ids)};
  }
  const Line line = fit(learned_);
  last_words_ = static_cast<int>(std::lround(std::clamp((tokens - line.a) / line.b, 1.0, 1.0 * tokens)));
  size_t end = 0;
  for (int i = 0; i < last_words_; ++i) end = text.find(' ', end + 1);
  return {.text = text.substr(0, end), .raw = true, .tokens = {}};
}

void PromptMaker::learn(int tokens) {
  if (last_words_ > 0) learned_.emplace_back(last_words_, tokens);
  last_words_ = 0;
}

Prompt PromptMaker::with_text(std::string_view text) {
  return {.text = fmt::format("{}. {}", words(3), text), .raw = false, .tokens = {}};
}

Prompt PromptMaker::story() {
  return with_text(
      "Tell a long story about a village at the sea, a storm and an old map. Take your time with every "
      "scene.");
}

}  // namespace halcyon::measure

// What a server is asked: prompts of a certain length, one that is answered at length, and nine tasks.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "measure/dialect.h"

namespace halcyon::measure {

/// One of nine everyday tasks.
struct TaskPrompt {
  const char* name;
  const char* text;
  int max_tokens;  ///< of the full protocol
};
std::span<const TaskPrompt> task_prompts();

/// Makes prompts that no cache knows: each begins with other words than those before it.
class PromptMaker {
 public:
  explicit PromptMaker(uint32_t seed) : random_(seed) {}

  /// A prompt of `tokens` tokens: exactly, if the server has tokenize(), else as nearly as learn() allows.
  Prompt of_length(Dialect& dialect, int tokens);

  /// That many tokens were counted in the prompt that of_length() made last.
  void learn(int tokens);

  /// A text that begins with something new.
  Prompt with_text(std::string_view text);

  /// Asks for a text that is as long as one likes.
  Prompt story();

 private:
  std::string words(int n);

  std::mt19937 random_;
  size_t beginnings_ = 0;
  int last_words_ = 0;
  std::vector<std::pair<double, double>> learned_;  ///< words, tokens
};

}  // namespace halcyon::measure

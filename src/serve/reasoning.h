// Divides what a model writes into its reasoning, <think>…</think>, and the answer proper.
#pragma once

#include <string>
#include <string_view>

namespace halcyon::serve {

/// Whether a rendered prompt ends within a think block that the chat template opened: in "<think>" and white
/// space.
bool opens_reasoning(std::string_view prompt);

/// Only a block at the beginning of the answer is reasoning. The text may be cut anywhere; tags are never
/// part of what comes out, and neither are newlines next to a tag. Text that only looks like a tag comes
/// through.
class ReasoningSplitter {
 public:
  /// `starts_inside`: see opens_reasoning().
  explicit ReasoningSplitter(bool starts_inside) : state_(starts_inside ? State::inside : State::start) {}

  struct Parts {
    std::string reasoning, content;
    bool operator==(const Parts&) const = default;
  };

  /// Adds text and returns what is certain by now.
  Parts push(std::string_view text);

  /// What was held back, at the end of the answer. A block that was never closed is all reasoning.
  Parts finish();

 private:
  enum class State {
    start,   ///< nothing but white space so far
    inside,  ///< the block
    behind,  ///< just behind the block: newlines are dropped
    answer
  };

  void push_start(char c, Parts& out);
  void push_inside(char c, Parts& out);
  std::string take_held(std::string_view tag);

  State state_;
  bool block_begins_ = true;  ///< inside: no text of the block so far, newlines are dropped
  std::string space_;         ///< held back: before <think>, or newlines before </think>
  size_t matched_ = 0;        ///< held back: so many bytes of the tag
};

}  // namespace halcyon::serve

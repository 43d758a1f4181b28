// The pieces of a model's tokens as a trie.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace halcyon::grammar {

/// Built once for a model, and the same for all grammars; about 14 bytes for each node. Nodes lie in
/// preorder: a walk goes from front to back, and leaps over the subtrees that it leaves out.
class Vocabulary {
 public:
  /// The index of a piece is its token. Pieces are bytes, and may begin or end within a character; an empty
  /// one is never allowed.
  explicit Vocabulary(const std::vector<std::string>& pieces);

  size_t n_tokens() const { return n_tokens_; }

  struct Node {
    uint32_t depth = 0;        ///< 1: the first byte of a piece
    uint32_t end = 0;          ///< the node behind its subtree
    uint32_t first_token = 0;  ///< in `tokens_`; its last one is before the next node's first
    uint8_t byte = 0;
  };
  std::span<const Node> nodes() const { return nodes_; }
  uint32_t max_depth() const { return max_depth_; }

  /// The tokens whose piece ends with a node.
  std::span<const uint32_t> tokens(size_t node) const {
    const size_t first = nodes_[node].first_token;
    const size_t last = node + 1 < nodes_.size() ? nodes_[node + 1].first_token : tokens_.size();
    return std::span(tokens_).subspan(first, last - first);
  }

 private:
  size_t n_tokens_;
  std::vector<uint32_t> tokens_;  ///< in the order of their pieces
  std::vector<Node> nodes_;
  uint32_t max_depth_ = 0;
};

}  // namespace halcyon::grammar

#include "grammar/vocabulary.h"

#include <algorithm>
#include <string_view>

namespace halcyon::grammar {

Vocabulary::Vocabulary(const std::vector<std::string>& pieces) : n_tokens_(pieces.size()) {
  for (uint32_t token = 0; token < pieces.size(); ++token)
    if (!pieces[token].empty()) tokens_.push_back(token);
  std::ranges::sort(tokens_, {}, [&](uint32_t token) { return std::string_view(pieces[token]); });

  std::vector<uint32_t> path;  // the nodes of the piece before
  const auto leave = [&](size_t depth) {
    for (; path.size() > depth; path.pop_back())
      nodes_[path.back()].end = static_cast<uint32_t>(nodes_.size());
  };
  for (uint32_t i = 0; i < tokens_.size(); ++i) {
    const std::string& piece = pieces[tokens_[i]];
    const std::string_view before = i == 0 ? std::string_view() : pieces[tokens_[i - 1]];
    leave(static_cast<size_t>(std::ranges::mismatch(before, piece).in2 - piece.begin()));
    for (size_t at = path.size(); at < piece.size(); ++at) {
      path.push_back(static_cast<uint32_t>(nodes_.size()));
      nodes_.push_back({static_cast<uint32_t>(at + 1), 0, i, static_cast<uint8_t>(piece[at])});
    }
    max_depth_ = std::max(max_depth_, static_cast<uint32_t>(piece.size()));
  }
  leave(0);
}

}  // namespace halcyon::grammar

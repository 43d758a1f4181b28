// The loop that both kinds of byte-pair encoding share: merge the best adjacent pair until none is left.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace halcyon::tokenizer {

/// Part of a text during merging. Symbols form a list in text order; merging one into its left neighbour
/// empties it.
struct Symbol {
  uint32_t begin, length;  ///< bytes
  int32_t prev, next;      ///< -1: none
  int32_t id;              ///< of its text; -1: none
};

/// A pair that may merge. `Priority` orders pairs, smaller first.
template <class Priority>
struct Pair {
  Priority priority;
  int32_t left;     ///< index of a symbol
  uint32_t length;  ///< bytes of both: tells whether one of them has changed since
  int32_t id;       ///< of the merged symbol

  /// Heaps have their greatest element on top: the best, and of equals the leftmost.
  bool operator<(const Pair& other) const {
    return priority != other.priority ? other.priority < priority : other.left < left;
  }
};

/// Links `symbols` to a list and merges them. `find_pair(left, right)` says what merging the symbols at two
/// indices gives, as an optional Pair. O(n log n). `heap` is working memory.
template <class Priority, class FindPair>
void merge_symbols(std::vector<Symbol>& symbols, std::vector<Pair<Priority>>& heap, FindPair find_pair) {
  const auto n = static_cast<int32_t>(symbols.size());
  const auto symbol = [&](int32_t i) -> Symbol& { return symbols[static_cast<size_t>(i)]; };
  heap.clear();
  for (int32_t i = 0; i < n; i++) {
    symbol(i).prev = i - 1;
    symbol(i).next = i + 1 < n ? i + 1 : -1;
    if (i + 1 < n)
      if (const auto pair = find_pair(i, i + 1)) heap.push_back(*pair);
  }
  std::make_heap(heap.begin(), heap.end());

  const auto consider = [&](int32_t left, int32_t right) {
    if (left < 0 || right < 0) return;
    if (const auto pair = find_pair(left, right)) {
      heap.push_back(*pair);
      std::push_heap(heap.begin(), heap.end());
    }
  };
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end());
    const Pair<Priority> pair = heap.back();
    heap.pop_back();
    Symbol& left = symbol(pair.left);
    if (left.length == 0 || left.next < 0) continue;
    Symbol& right = symbol(left.next);
    if (left.length + right.length != pair.length) continue;
    left.length = pair.length;
    left.id = pair.id;
    left.next = right.next;
    right.length = 0;
    if (left.next >= 0) symbol(left.next).prev = pair.left;
    consider(left.prev, pair.left);
    consider(pair.left, left.next);
  }
}

}  // namespace halcyon::tokenizer

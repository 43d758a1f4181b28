// A hash table from token text to token: the look-up that merging lives on.
#pragma once

#include <bit>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace halcyon::tokenizer {

/// Ids of texts, 0 … n-1, in a flat table with part of each hash: a text that is not there, as most are that
/// merging asks for, costs one cache miss.
class TextIndex {
 public:
  explicit TextIndex(size_t n = 0) : slots_(std::bit_ceil(2 * n + 1), Slot{0, kFree}) {}

  /// Adds `texts[id]`. Returns the id of an equal text that was there already, and then does not add it.
  std::optional<int32_t> add(const std::vector<std::string>& texts, int32_t id) {
    const std::string_view text = texts[static_cast<size_t>(id)];
    Slot& slot = slots_[slot_of(texts, text)];
    if (slot.id != kFree) return slot.id;
    slot = {tag_of(hash_of(text)), id};
    return std::nullopt;
  }

  std::optional<int32_t> find(const std::vector<std::string>& texts, std::string_view text) const {
    const int32_t id = slots_[slot_of(texts, text)].id;
    return id == kFree ? std::nullopt : std::optional(id);
  }

 private:
  struct Slot {
    uint32_t tag;
    int32_t id;
  };
  static constexpr int32_t kFree = -1;

  static size_t hash_of(std::string_view text) { return std::hash<std::string_view>()(text); }
  static uint32_t tag_of(size_t hash) { return static_cast<uint32_t>(hash >> 32); }

  /// The slot that holds `text`, or the free one where it belongs.
  size_t slot_of(const std::vector<std::string>& texts, std::string_view text) const {
    const size_t hash = hash_of(text), mask = slots_.size() - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
      const Slot& slot = slots_[i];
      if (slot.id == kFree || (slot.tag == tag_of(hash) && texts[static_cast<size_t>(slot.id)] == text))
        return i;
    }
  }

  std::vector<Slot> slots_;  ///< open addressing, size a power of two, at most half full
};

}  // namespace halcyon::tokenizer

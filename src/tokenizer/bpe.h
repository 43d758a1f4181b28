// Byte-pair encoding ("gpt2", "gemma4"): the adjacent pair with the lowest rank in the list of merges merges
// first.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tokenizer/merge.h"
#include "tokenizer/vocab.h"

namespace halcyon::tokenizer {

class Bpe {
 public:
  /// `merges`: "left right", best first; of equal ones the first counts. `vocab` has to outlive the object.
  Bpe(const Vocab& vocab, const Style& style, std::span<const std::string> merges);

  /// Working memory to use again from piece to piece.
  struct Scratch {
    std::string spelled;
    std::vector<Symbol> symbols;
    std::vector<Pair<uint32_t>> heap;
  };

  /// Appends the tokens of one piece, valid UTF-8 but for surrogates. Symbols that are no token are spelled
  /// out in their characters (raw_bpe: in byte tokens); characters that are no token either are dropped.
  void encode(std::string_view piece, Scratch& scratch, std::vector<Token>& out) const;

 private:
  struct Merge {
    uint64_t pair;  ///< left id << 32 | right id; kNoPair in a free slot
    uint32_t rank;
    int32_t merged;  ///< id
  };

  int32_t intern(std::string_view text);
  std::optional<int32_t> find_id(std::string_view text) const;
  void insert(const Merge& merge);
  const Merge* find(int32_t left, int32_t right) const;
  void emit(std::string_view text, int32_t id, std::vector<Token>& out) const;

  const Vocab& vocab_;
  bool raw_, ignore_merges_, whole_newline_runs_;
  std::vector<Merge> table_;  ///< open addressing, size a power of two
  /// Texts in merges that are no token: ids from vocab_.size() on.
  std::unordered_map<std::string, int32_t> more_ids_;
  std::array<int32_t, 256> byte_ids_;  ///< bpe: of the byte's letter, -1 if unknown
  std::array<std::optional<Token>, 256> byte_tokens_;
};

}  // namespace halcyon::tokenizer

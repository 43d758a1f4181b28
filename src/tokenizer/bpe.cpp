#include "tokenizer/bpe.h"

#include <bit>

#include "tokenizer/byte_alphabet.h"
#include "tokenizer/utf8.h"

namespace halcyon::tokenizer {
namespace {

constexpr uint64_t kNoPair = ~0ull;

uint64_t pair_of(int32_t left, int32_t right) {
  return static_cast<uint64_t>(left) << 32 | static_cast<uint32_t>(right);
}

size_t slot_of(uint64_t pair, size_t mask) {
  return static_cast<size_t>((pair * 0x9E3779B97F4A7C15u) >> 32) & mask;  // Fibonacci hashing
}

}  // namespace

Bpe::Bpe(const Vocab& vocab, const Style& style, std::span<const std::string> merges)
    : vocab_(vocab),
      raw_(style.spelling == Spelling::raw_bpe),
      ignore_merges_(style.ignore_merges),
      whole_newline_runs_(style.whole_newline_runs),
      table_(std::bit_ceil(2 * merges.size() + 1), {kNoPair, 0, 0}) {
  std::string both;
  for (size_t rank = 0; rank < merges.size(); rank++) {
    const std::string_view merge = merges[rank];
    const size_t space = merge.find(' ', 1);  // a left part may begin with a space
    if (space == std::string_view::npos) continue;
    const std::string_view left = merge.substr(0, space), right = merge.substr(space + 1);
    both.assign(left).append(right);
    const uint64_t pair = pair_of(intern(left), intern(right));
    insert({pair, static_cast<uint32_t>(rank), intern(both)});
  }
  for (size_t byte = 0; byte < 256; byte++) {
    std::string letter;
    utf8::append(letter, kByteToAlphabet[byte]);
    byte_ids_[byte] = find_id(letter).value_or(-1);
    byte_tokens_[byte] = raw_ ? vocab.byte_token(static_cast<uint8_t>(byte)) : vocab.find(letter);
  }
}

int32_t Bpe::intern(std::string_view text) {
  if (const auto token = vocab_.find(text)) return *token;
  const auto next = vocab_.size() + static_cast<int32_t>(more_ids_.size());
  return more_ids_.emplace(text, next).first->second;
}

std::optional<int32_t> Bpe::find_id(std::string_view text) const {
  if (const auto token = vocab_.find(text)) return token;
  if (more_ids_.empty()) return std::nullopt;
  const auto found = more_ids_.find(std::string(text));
  return found == more_ids_.end() ? std::nullopt : std::optional(found->second);
}

void Bpe::insert(const Merge& merge) {
  const size_t mask = table_.size() - 1;
  for (size_t i = slot_of(merge.pair, mask);; i = (i + 1) & mask) {
    if (table_[i].pair == merge.pair) return;
    if (table_[i].pair != kNoPair) continue;
    table_[i] = merge;
    return;
  }
}

const Bpe::Merge* Bpe::find(int32_t left, int32_t right) const {
  if (left < 0 || right < 0) return nullptr;
  const size_t mask = table_.size() - 1;
  const uint64_t pair = pair_of(left, right);
  for (size_t i = slot_of(pair, mask);; i = (i + 1) & mask) {
    if (table_[i].pair == pair) return &table_[i];
    if (table_[i].pair == kNoPair) return nullptr;
  }
}

void Bpe::encode(std::string_view piece, Scratch& scratch, std::vector<Token>& out) const {
  if (ignore_merges_ || (whole_newline_runs_ && piece.front() == '\n')) {
    scratch.spelled.clear();
    if (raw_) {
      scratch.spelled = piece;
    } else {
      for (const char byte : piece)
        utf8::append(scratch.spelled, kByteToAlphabet[static_cast<uint8_t>(byte)]);
    }
    if (const auto token = vocab_.find(scratch.spelled)) {
      out.push_back(*token);
      return;
    }
  }

  std::vector<Symbol>& symbols = scratch.symbols;
  symbols.clear();
  for (size_t at = 0; at < piece.size();) {
    const auto byte = static_cast<uint8_t>(piece[at]);
    const size_t length = raw_ ? utf8::length_from_lead(byte) : 1;
    const int32_t id = raw_ ? find_id(piece.substr(at, length)).value_or(-1) : byte_ids_[byte];
    symbols.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(length), -1, -1, id});
    at += length;
  }
  using BpePair = Pair<uint32_t>;
  merge_symbols(symbols, scratch.heap, [&](int32_t left, int32_t right) -> std::optional<BpePair> {
    const Symbol &a = symbols[static_cast<size_t>(left)], &b = symbols[static_cast<size_t>(right)];
    const Merge* merge = find(a.id, b.id);
    if (!merge) return std::nullopt;
    return BpePair{merge->rank, left, a.length + b.length, merge->merged};
  });
  for (const Symbol& symbol : symbols)
    if (symbol.length > 0) emit(piece.substr(symbol.begin, symbol.length), symbol.id, out);
}

void Bpe::emit(std::string_view text, int32_t id, std::vector<Token>& out) const {
  if (vocab_.contains(id)) {
    out.push_back(id);
    return;
  }
  for (size_t at = 0; at < text.size();) {
    const size_t length = raw_ ? utf8::length_from_lead(static_cast<uint8_t>(text[at])) : 1;
    const std::string_view character = text.substr(at, length);
    at += length;
    if (const auto token = raw_ ? vocab_.find(character) : std::nullopt) {
      out.push_back(*token);
      continue;
    }
    for (const char byte : character)
      if (const auto token = byte_tokens_[static_cast<uint8_t>(byte)]) out.push_back(*token);
  }
}

}  // namespace halcyon::tokenizer

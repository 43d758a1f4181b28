#include "tokenizer/special.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <queue>
#include <tuple>

#include "base/log.h"

namespace halcyon::tokenizer {
namespace {

// Bounds the search at one position. No real token comes near.
constexpr size_t kLongestSpecial = 512;

constexpr std::string_view kSpaces = " \t\n\v\f\r";

bool contains_any_case(std::string_view text, std::string_view word) {
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  return std::search(text.begin(), text.end(), word.begin(), word.end(), same) != text.end();
}

/// An occurrence that is still to be taken, the best on top of a std::priority_queue.
struct Candidate {
  size_t length;
  Token token;
  size_t at;
  Strips strips;

  bool operator<(const Candidate& other) const {
    return std::tuple(length, -token, other.at) < std::tuple(other.length, -other.token, at);
  }
};

/// A token's place in the text, with the white space it swallowed.
struct Place {
  size_t end;
  Token token;
};

}  // namespace

SpecialCutter::SpecialCutter(const Vocab& vocab, const Style& style, std::string_view model_name) {
  const bool phi3 = contains_any_case(model_name, "phi-3") || contains_any_case(model_name, "phi3");
  for (Token token = 0; token < vocab.size(); token++) {
    const TokenType type = vocab.type(token);
    if (type != TokenType::control && type != TokenType::user_defined && type != TokenType::unknown) continue;
    const std::string_view text = vocab.text(token);
    if (text.size() > kLongestSpecial) {
      spdlog::warn("special token {} has {} bytes and will not be recognised in text", token, text.size());
      continue;
    }
    Strips strips;
    strips.left = style.strips_around_mask && text == "<mask>";
    strips.right =
        phi3 && !style.strips_around_mask && text != "<unk>" && text != "<s>" && text != "<|endoftext|>";
    specials_.push_back({text, token, type == TokenType::user_defined, strips});
  }
  std::ranges::sort(specials_, {}, &Special::text);
}

/// The longest special of at most `room` bytes that `text` begins with.
const SpecialCutter::Special* SpecialCutter::longest(std::string_view text, size_t room,
                                                     bool parse_special) const {
  const Special* best = nullptr;
  std::span<const Special> range = specials_;  // those that agree with the text so far
  room = std::min(room, text.size());
  for (size_t depth = 0; depth < room && !range.empty(); depth++) {
    // Sorted, the one special that ends here comes before the longer ones.
    const auto byte_at_depth = [&](const Special& special) {
      return depth < special.text.size() ? static_cast<uint8_t>(special.text[depth]) : -1;
    };
    const auto same = std::ranges::equal_range(range, static_cast<uint8_t>(text[depth]), {}, byte_at_depth);
    range = {same.begin(), same.end()};
    if (!range.empty() && range.front().text.size() == depth + 1 &&
        (parse_special || range.front().user_defined))
      best = &range.front();
  }
  return best;
}

std::vector<Fragment> SpecialCutter::cut(std::string_view text, bool parse_special) const {
  std::priority_queue<Candidate> candidates;
  const auto add_longest = [&](size_t at, size_t room) {
    if (const Special* special = longest(text.substr(at), room, parse_special))
      candidates.push({special->text.size(), special->token, at, special->strips});
  };
  for (size_t at = 0; at < text.size() && !specials_.empty(); at++) add_longest(at, text.size());

  // Taken in order, an occurrence is found only where all better ones have left room. What a place takes from
  // a candidate may leave room for a shorter one.
  std::map<size_t, Place> places;
  while (!candidates.empty()) {
    const Candidate candidate = candidates.top();
    candidates.pop();
    const auto after = places.upper_bound(candidate.at);
    const size_t raw_begin = after == places.begin() ? 0 : std::prev(after)->second.end;
    const size_t raw_end = after == places.end() ? text.size() : after->first;
    if (candidate.at < raw_begin) continue;
    if (candidate.at + candidate.length > raw_end) {
      add_longest(candidate.at, raw_end - candidate.at);
      continue;
    }
    size_t begin = candidate.at, end = candidate.at + candidate.length;
    if (candidate.strips.left)
      while (begin > raw_begin && kSpaces.contains(text[begin - 1])) begin--;
    if (candidate.strips.right)
      while (end < raw_end && kSpaces.contains(text[end])) end++;
    places.emplace(begin, Place{end, candidate.token});
  }

  std::vector<Fragment> fragments;
  size_t at = 0;
  for (const auto& [begin, place] : places) {
    if (begin > at) fragments.push_back({text.substr(at, begin - at), std::nullopt});
    fragments.push_back({{}, place.token});
    at = place.end;
  }
  if (at < text.size()) fragments.push_back({text.substr(at), std::nullopt});
  return fragments;
}

}  // namespace halcyon::tokenizer

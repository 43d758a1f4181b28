#include "engine/prefix_cache.h"

#include <algorithm>
#include <utility>

namespace halcyon::engine {
namespace {

int32_t common_prefix(std::span<const Token> a, std::span<const Token> b) {
  return static_cast<int32_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

}  // namespace

// At most all but the prompt's last token: its logits are yet to come.
int32_t PrefixCache::reachable(const Sequence& sequence, std::span<const Token> prompt) const {
  return memory_.reachable(sequence.id, common_prefix(sequence.tokens, prompt.first(prompt.size() - 1)));
}

PrefixCache::Match PrefixCache::longest(std::span<const Token> prompt) {
  Match best{.place = sequences_.end()};
  for (auto place = sequences_.begin(); place != sequences_.end(); ++place) {
    const int32_t length = reachable(*place, prompt);
    // Of equals the one that can be gone on with.
    if (length > best.length || (length > 0 && length == best.length && place->kept && !best.place->kept))
      best = {place, length};
  }
  return best;
}

int32_t PrefixCache::known_prefix(std::span<const Token> prompt) const {
  int32_t best = 0;
  for (const Sequence& sequence : sequences_) best = std::max(best, reachable(sequence, prompt));
  return best;
}

Result<PrefixCache::Sequence*> PrefixCache::open(std::span<const Token> prompt, bool reuse) {
  const Match match = reuse ? longest(prompt) : Match{.place = sequences_.end()};
  const bool found = match.place != sequences_.end();
  const bool go_on =
      found && match.place->kept && (memory_.recurrent() || match.length == std::ssize(match.place->tokens));

  if (!go_on && !memory_.has_free_sequence() && !evict_other_than(found ? &*match.place : nullptr) &&
      !(found && match.place->kept))
    return fail("all sequences are in work");

  // Going on, too, where there is no room for a fork beside the sequence.
  if (found && (go_on || !memory_.has_free_sequence())) {
    CHECK_OK(memory_.truncate(match.place->id, match.length));
    match.place->tokens.resize(static_cast<size_t>(match.length));
    match.place->kept = false;
    sequences_.splice(sequences_.end(), sequences_, match.place);
    return &sequences_.back();
  }
  if (!found) return add(memory_.create(), {});

  const std::span<const Token> past(match.place->tokens);
  TRY(Sequence* const fork, add(memory_.fork(match.place->id), {past.begin(), past.begin() + match.length}));
  const int32_t length = memory_.reachable(fork->id, match.length);  // a fork has no snapshots to go back to
  CHECK_OK(memory_.truncate(fork->id, length));
  fork->tokens.resize(static_cast<size_t>(length));
  return fork;
}

Result<PrefixCache::Sequence*> PrefixCache::add(Result<backend::SeqId> id, std::vector<Token> tokens) {
  if (!id) return forward_error(id);
  sequences_.push_back({.id = *id, .tokens = std::move(tokens)});
  return &sequences_.back();
}

void PrefixCache::keep(Sequence* sequence) {
  if (sequence->tokens.empty()) return drop(sequence);
  sequence->kept = true;
  sequences_.remove_if([&](const Sequence& other) {
    const bool useless = other.kept && &other != sequence &&
                         common_prefix(other.tokens, sequence->tokens) == std::ssize(other.tokens);
    if (useless) memory_.release(other.id);
    return useless;
  });
  const auto place = std::ranges::find(sequences_, sequence, [](const Sequence& s) { return &s; });
  sequences_.splice(sequences_.end(), sequences_, place);
}

void PrefixCache::drop(Sequence* sequence) {
  memory_.release(sequence->id);
  sequences_.remove_if([&](const Sequence& s) { return &s == sequence; });
}

bool PrefixCache::evict() { return evict_other_than(nullptr); }

bool PrefixCache::evict_other_than(const Sequence* spared) {
  const auto oldest =
      std::ranges::find_if(sequences_, [&](const Sequence& s) { return s.kept && &s != spared; });
  if (oldest == sequences_.end()) return false;
  memory_.release(oldest->id);
  sequences_.erase(oldest);
  return true;
}

size_t PrefixCache::n_kept() const {
  return static_cast<size_t>(std::ranges::count(sequences_, true, &Sequence::kept));
}

}  // namespace halcyon::engine

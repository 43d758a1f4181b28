#include "guard/turns.h"

#include <utility>

namespace halcyon::guard {

size_t Turns::add(Member member) {
  members_.push_back(std::move(member));
  return members_.size() - 1;
}

void Turns::ask(size_t member) {
  waiting_.push_back(member);
  post_([this] { go_on(); });
}

void Turns::over(size_t member) {
  if (holder_ == member) holder_.reset();
  if (yielding_ == member) yielding_.reset();
  post_([this] { go_on(); });
}

void Turns::go_on() {
  if (yielding_ || waiting_.empty()) return;
  const size_t next = waiting_.front();
  const Member& member = members_[next];
  const bool needs_memory = !member.machine->has_process() && !member.fits();
  const auto ask_to_yield = [this](size_t other, Yield how) {
    yielding_ = other;
    members_[other].machine->yield(how, now_());
  };
  if (holder_) return ask_to_yield(*holder_, needs_memory ? Yield::stop : Yield::freeze);
  if (needs_memory) {
    std::optional<size_t> longest;
    for (size_t i = 0; i < members_.size(); ++i) {
      const Machine& machine = *members_[i].machine;
      if (i == next || machine.state() != State::frozen) continue;
      if (!longest || machine.state_since() < members_[*longest].machine->state_since()) longest = i;
    }
    if (longest) return ask_to_yield(*longest, Yield::stop);
  }
  waiting_.pop_front();
  holder_ = next;
  member.machine->on_turn(now_());
  if (!waiting_.empty()) post_([this] { go_on(); });
}

}  // namespace halcyon::guard

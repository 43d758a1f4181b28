// Servers that exclude each other: one at a time is awake.
#pragma once

#include <deque>
#include <functional>
#include <vector>

#include "guard/machine.h"

namespace halcyon::guard {

/// Gives turns in the order in which they were asked for. Whose turn is over is frozen if the machine's
/// memory holds it beside the next, else stopped; then others that lie frozen are, too, longest frozen first.
class Turns {
 public:
  struct Member {
    Machine* machine;
    std::function<bool()> fits;  ///< whether there is memory for it to start
  };
  using Post = std::function<void(std::function<void()>)>;  ///< calls later, when no machine is in a call
  using Now = std::function<Time()>;

  Turns(Post post, Now now) : post_(std::move(post)), now_(std::move(now)) {}

  size_t add(Member member);  ///< its number
  void ask(size_t member);    ///< Hands::ask_for_turn
  void over(size_t member);   ///< Hands::turn_is_over

 private:
  void go_on();

  const Post post_;
  const Now now_;
  std::vector<Member> members_;
  std::deque<size_t> waiting_;
  std::optional<size_t> holder_, yielding_;
};

}  // namespace halcyon::guard

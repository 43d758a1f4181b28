// Between which calls of a step the threads have to wait for each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace halcyon::cpu {

/// Memory that a call reads or writes.
struct Range {
  const std::byte* begin;
  const std::byte* end;
  bool operator==(const Range&) const = default;
};

/// How a call divides its work: each row of its ranges into `units` equal parts, of which the threads take
/// Part::of(rows * units); a unit touches nothing but its own part of each range. 0 units: in another way, as
/// every call does that reads int8 forms: their rows are padded.
struct Division {
  int64_t units = 0;
  bool of_outputs = false;  ///< whether rows are those of Rows::outputs
  bool operator==(const Division&) const = default;
};

/// Looks at the calls of a step in their order.
class Barriers {
 public:
  /// Whether a call has to wait for those since the last barrier: it touches what they write, or writes what
  /// they read, and not just the parts that are the same thread's.
  bool before(std::vector<Range> reads, std::vector<Range> writes, Division division) {
    bool barrier = false;
    for (const Call& c : calls_) {
      const bool same = division.units > 0 && division == c.division;
      barrier |=
          clash(reads, c.writes, same) || clash(writes, c.writes, same) || clash(writes, c.reads, same);
    }
    if (barrier) calls_.clear();
    calls_.push_back({std::move(reads), std::move(writes), division});
    return barrier;
  }

  /// The division of the call since the last barrier that wrote to a range; none: no units.
  Division of_writer(const Range& range) const {
    for (const Call& c : calls_)
      for (const Range& written : c.writes)
        if (written == range) return c.division;
    return {};
  }

 private:
  struct Call {
    std::vector<Range> reads, writes;
    Division division;
  };

  static bool clash(const std::vector<Range>& a, const std::vector<Range>& b, bool same_division) {
    for (const Range& x : a)
      for (const Range& y : b)
        if (x.begin < y.end && y.begin < x.end && !(same_division && x == y)) return true;
    return false;
  }

  std::vector<Call> calls_;  // since the last barrier
};

}  // namespace halcyon::cpu

#include "engine/stop_filter.h"

#include <algorithm>
#include <utility>

namespace halcyon::engine {

std::string StopFilter::push(std::string_view text) {
  if (found_) return {};
  held_ += text;

  size_t end = std::string::npos;
  size_t complete =
      std::string::npos;  // where the first one to be complete ends; of several there, the longest
  for (const std::string& stop : stops_) {
    const size_t at = held_.find(stop);
    if (at == std::string::npos || at + stop.size() > complete) continue;
    if (at + stop.size() == complete && at > end) continue;
    end = at, complete = at + stop.size(), found_ = &stop;
  }
  if (!found_) {
    end = held_.size();
    for (const std::string& stop : stops_) {
      // The longest end of the text that a stop string begins with.
      for (size_t n = std::min(held_.size(), stop.size() - 1); n > 0; --n) {
        if (!held_.ends_with(std::string_view(stop).substr(0, n))) continue;
        end = std::min(end, held_.size() - n);
        break;
      }
    }
  }
  std::string certain = held_.substr(0, end);
  held_.erase(0, found_ ? std::string::npos : end);
  return certain;
}

std::string StopFilter::finish() { return std::exchange(held_, {}); }

}  // namespace halcyon::engine

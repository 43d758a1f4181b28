// Ends a text at a stop string, and never lets a part of one through.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace halcyon::engine {

class StopFilter {
 public:
  /// `stops` are not empty.
  explicit StopFilter(std::vector<std::string> stops) : stops_(std::move(stops)) {}

  /// Adds text and returns what is certain to come before any stop string.
  std::string push(std::string_view text);

  /// What was held back, at the end of a text that no stop string ended.
  std::string finish();

  /// The stop string that was complete first, however the text was cut; nullptr while there is none. Text
  /// from its beginning on is dropped.
  const std::string* found() const { return found_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;  ///< the beginning of a stop string, perhaps
  const std::string* found_ = nullptr;
};

}  // namespace halcyon::engine

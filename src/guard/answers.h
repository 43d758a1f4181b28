// The last good answers to what monitors ask, for while the server sleeps.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/http.h"

namespace halcyon::guard {

/// Answers to GET requests for some paths. One is given only to who shows the same credentials as who got it.
class Answers {
 public:
  using Clock = std::chrono::steady_clock;

  struct Answer {
    int status = 0;
    std::string content_type, body;
    Clock::time_point at;
  };

  explicit Answers(std::vector<std::string> paths) : paths_(std::move(paths)) {}

  const std::vector<std::string>& paths() const { return paths_; }
  bool keeps(const serve::HttpRequest& request) const;

  /// `answer`: its bytes as the server sent them. Kept unless it is an error of the moment (5xx, but for
  /// 501), partial or "not modified", compressed, or of more than a megabyte.
  void keep(const serve::HttpRequest& request, std::string_view answer, Clock::time_point now);

  const Answer* find(const serve::HttpRequest& request) const;

 private:
  static std::string key(const serve::HttpRequest& request);

  std::vector<std::string> paths_;
  std::map<std::string, Answer> kept_;
};

}  // namespace halcyon::guard

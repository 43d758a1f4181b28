// Runs tests/probe/burner.cpp for a test.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace halcyon::test {

/// What the burner says of itself; see there.
struct Truth {
  int64_t monotonic_ns = 0;
  int64_t cpu_ns = 0;
  int64_t wakeups = 0;
};

/// A burner that lives as long as the object, and two minutes at most.
class Burner {
 public:
  /// Returns once all its threads are there. `environment`: "NAME=value", beside ours.
  explicit Burner(std::vector<std::string> arguments, std::vector<std::string> environment = {});
  ~Burner();
  Burner(const Burner&) = delete;
  Burner& operator=(const Burner&) = delete;

  pid_t pid() const { return pid_; }

  /// Asks it for its truth now.
  Truth truth();

  /// Its threads of that name.
  std::vector<pid_t> threads_named(const std::string& name) const;

 private:
  Truth read_truth();
  pid_t pid_ = -1;
  FILE* output_ = nullptr;
};

/// The folder of libspinner.so, in which the burner spins.
std::string spinner_folder();

}  // namespace halcyon::test

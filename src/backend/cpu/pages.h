// Memory straight from the kernel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/result.h"

namespace halcyon::cpu {

/// Address space without memory behind it until it is touched.
class Pages {
 public:
  /// Fails with the system's reason.
  static Result<Pages> reserve(uint64_t bytes);

  /// The same on huge pages where the system has them: for what is read from front to back, again and again.
  static Result<Pages> reserve_huge(uint64_t bytes);

  Pages() = default;
  Pages(Pages&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Pages& operator=(Pages&& other) noexcept {
    std::swap(data_, other.data_), std::swap(size_, other.size_);
    return *this;
  }
  ~Pages();
  std::byte* data() const { return data_; }
  uint64_t size() const { return size_; }

 private:
  std::byte* data_ = nullptr;
  uint64_t size_ = 0;
};

}  // namespace halcyon::cpu

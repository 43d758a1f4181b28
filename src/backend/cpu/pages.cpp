#include "backend/cpu/pages.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace halcyon::cpu {
namespace {

constexpr uint64_t kHugePage = 2 << 20;

}  // namespace

Result<Pages> Pages::reserve(uint64_t bytes) {
  Pages pages;
  if (bytes == 0) return pages;
  void* data =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) return fail("{}", std::strerror(errno));
  pages.data_ = static_cast<std::byte*>(data);
  pages.size_ = bytes;
  return pages;
}

Result<Pages> Pages::reserve_huge(uint64_t bytes) {
  if (bytes < kHugePage) return reserve(bytes);
  TRY(Pages pages, reserve(bytes + kHugePage));  // more, to cut it at a huge page's border
  const auto begin = reinterpret_cast<uintptr_t>(pages.data_);
  const uint64_t before = (kHugePage - begin % kHugePage) % kHugePage;
  const uint64_t size = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  if (before > 0) ::munmap(pages.data_, before);
  if (before + size < pages.size_) ::munmap(pages.data_ + before + size, pages.size_ - before - size);
  pages.data_ += before;
  pages.size_ = std::min(size, pages.size_ - before);
  ::madvise(pages.data_, pages.size_, MADV_HUGEPAGE);  // without them it is slower, and nothing else
  return pages;
}

Pages::~Pages() {
  if (data_) ::munmap(data_, size_);
}

}  // namespace halcyon::cpu

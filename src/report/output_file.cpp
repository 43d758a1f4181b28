#include "report/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace halcyon::report {
namespace {

namespace fs = std::filesystem;

std::string reason() { return std::generic_category().message(errno); }

/// Everything, or false and errno.
bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    text.remove_prefix(static_cast<size_t>(n));
  }
  return ::fsync(fd) == 0;
}

}  // namespace

Result<void> write_atomically(const fs::path& path, std::string_view text) {
  std::error_code error;
  const fs::path target = fs::weakly_canonical(path, error);
  if (error) return fail("{}: {}", path.string(), error.message());
  const fs::file_status status = fs::status(target, error);
  if (fs::exists(status) && !fs::is_regular_file(status))
    return fail("{}: not a regular file", path.string());

  const fs::path temporary = fmt::format("{}.{}.tmp", target.string(), ::getpid());
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) return fail("{}: cannot write into its folder: {}", path.string(), reason());
  const bool written = write_all(fd, text);
  const Result<void> result =
      written ? Result<void>() : fail("{}: cannot write: {}", path.string(), reason());
  ::close(fd);
  if (written && ::rename(temporary.c_str(), target.c_str()) == 0) return {};
  const std::string why = reason();
  ::unlink(temporary.c_str());
  return written ? fail("{}: cannot put it in place: {}", path.string(), why) : result;
}

}  // namespace halcyon::report

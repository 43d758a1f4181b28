#include "gguf/new_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace halcyon::gguf {

Result<NewFile> NewFile::create(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
    return fail("{}: cannot be replaced, it is not a regular file", path);
  std::string temporary = fmt::format("{}.{}.partial", path, ::getpid());
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) return fail("{}: {}", temporary, std::strerror(errno));
  return NewFile(path, std::move(temporary), fd);
}

NewFile::NewFile(std::string path, std::string temporary, int fd)
    : path_(std::move(path)), temporary_(std::move(temporary)), fd_(fd) {}

NewFile::NewFile(NewFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::exchange(other.fd_, -1)) {}

NewFile::~NewFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

std::unexpected<Error> NewFile::failed(std::string_view what) const {
  return fail("{}: {}: {}", path_, what, std::strerror(errno));
}

Result<void> NewFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("cannot write");
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return {};
}

Result<void> NewFile::close() {
  if (::fsync(fd_) != 0) return failed("cannot write");
  if (::close(std::exchange(fd_, -1)) != 0) return failed("cannot write");
  return {};
}

Result<void> NewFile::give_name() {
  if (::rename(temporary_.c_str(), path_.c_str()) != 0)
    return failed("cannot give the finished file its name");
  temporary_.clear();
  return {};
}

}  // namespace halcyon::gguf

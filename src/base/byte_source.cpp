#include "base/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace halcyon {
namespace {

class FileSource final : public ByteSource {
 public:
  FileSource(std::string path, int fd, uint64_t size) : path_(std::move(path)), fd_(fd), size_(size) {}
  ~FileSource() override { ::close(fd_); }
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  const std::string& name() const override { return path_; }
  uint64_t size() const override { return size_; }

  Result<void> read(uint64_t offset, std::span<std::byte> out) const override {
    while (!out.empty()) {
      const ssize_t n = ::pread(fd_, out.data(), out.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail("{}: cannot read at byte {}: {}", path_, offset, std::strerror(errno));
      if (n == 0)
        return fail("{}: the file ends at byte {}, {} more were expected", path_, offset, out.size());
      offset += static_cast<uint64_t>(n);
      out = out.subspan(static_cast<size_t>(n));
    }
    return {};
  }

 private:
  std::string path_;
  int fd_;
  uint64_t size_;
};

class MemorySource final : public ByteSource {
 public:
  MemorySource(std::string name, std::span<const std::byte> bytes) : name_(std::move(name)), bytes_(bytes) {}

  const std::string& name() const override { return name_; }
  uint64_t size() const override { return bytes_.size(); }

  Result<void> read(uint64_t offset, std::span<std::byte> out) const override {
    if (offset > bytes_.size() || out.size() > bytes_.size() - offset)
      return fail("{}: {} bytes at {} are past the end ({})", name_, out.size(), offset, bytes_.size());
    if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return {};
  }

 private:
  std::string name_;
  std::span<const std::byte> bytes_;
};

}  // namespace

Result<std::shared_ptr<const ByteSource>> open_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a FIFO must not hang us
  if (fd < 0) return fail("{}: {}", path, std::strerror(errno));
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd);
    return fail("{}: not a regular file", path);
  }
  return std::make_shared<FileSource>(path, fd, static_cast<uint64_t>(info.st_size));
}

Result<std::string> read_text(const std::string& path, uint64_t most_bytes, std::string_view what) {
  TRY(const auto file, open_file(path));
  if (file->size() > most_bytes)
    return fail("{}: {} bytes, {} has at most {}", path, file->size(), what, most_bytes);
  std::string text(file->size(), 0);
  CHECK_OK(file->read(0, std::as_writable_bytes(std::span(text))));
  return text;
}

std::shared_ptr<const ByteSource> memory_source(std::string name, std::span<const std::byte> bytes) {
  return std::make_shared<MemorySource>(std::move(name), bytes);
}

}  // namespace halcyon

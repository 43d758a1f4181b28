#include "base/system_root.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>

#include "base/quote.h"

namespace halcyon {
namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n";

/// More than any file of the kernel that is read whole; a root that somebody made up may have larger ones.
constexpr size_t kLongest = 16 << 20;

}  // namespace

std::filesystem::path SystemRoot::at(std::string_view path) const {
  return root_ / path.substr(path.starts_with('/') ? 1 : 0);
}

Result<std::string> SystemRoot::text(std::string_view path) const {
  const std::filesystem::path file = at(path);
  const auto failed = [&] { return fail("{}: {}", file.string(), std::generic_category().message(errno)); };
  // Without waiting: the file may be a pipe.
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return failed();
  std::string text;
  std::array<char, 4096> buffer;
  ssize_t n = 0;
  while (text.size() < kLongest &&
         ((n = ::read(fd, buffer.data(), buffer.size())) > 0 || (n < 0 && errno == EINTR)))
    if (n > 0) text.append(buffer.data(), static_cast<size_t>(n));
  const int error = errno;
  ::close(fd);
  if (n < 0) {
    errno = error;
    return failed();
  }
  text.erase(text.find_last_not_of(kWhiteSpace) + 1);
  text.erase(0, std::min(text.find_first_not_of(kWhiteSpace), text.size()));
  return text;
}

Result<int64_t> SystemRoot::number(std::string_view path) const {
  TRY(const std::string digits, text(path));
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size())
    return fail("{}: {} is not a number", at(path).string(), quote(digits, 32));
  return value;
}

std::vector<std::string> SystemRoot::names(std::string_view folder) const {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(at(folder), error), end; !error && entry != end;
       entry.increment(error))
    names.push_back(entry->path().filename().string());
  std::ranges::sort(names);
  return names;
}

}  // namespace halcyon

#include "cli/diagnostics.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

namespace halcyon::cli {

void occupy_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})  // open() takes the lowest free one
    if (::fcntl(fd, F_GETFD) < 0) (void)::open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_WRONLY);
}

void vdiagnose(fmt::string_view format, fmt::format_args args) noexcept try {
  fmt::memory_buffer text;
  fmt::vformat_to(std::back_inserter(text), format, args);
  std::fwrite(text.data(), 1, text.size(), stderr);
} catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): no memory, and nobody to tell
}

}  // namespace halcyon::cli

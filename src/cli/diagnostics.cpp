#include "cli/diagnostics.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

#include "base/quote.h"

namespace halcyon::cli {

void occupy_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})  // open() takes the lowest free one
    if (::fcntl(fd, F_GETFD) < 0) (void)::open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_WRONLY);
}

void vdiagnose(fmt::string_view format, fmt::format_args args) noexcept try {
  fmt::memory_buffer text;
  fmt::vformat_to(std::back_inserter(text), format, args);
  std::fwrite(text.data(), 1, text.size(), stderr);
} catch (const std::exception&) {  // no memory
}

std::string one_line(std::string_view text) {
  std::string out;
  while (true) {
    const size_t end = text.find_first_of("\"\\");
    const std::string_view part = text.substr(0, end);
    const std::string quoted = quote(part, part.size());
    out.append(quoted, 1, quoted.size() - 2);
    if (end == text.npos) return out;
    out += text[end];
    text.remove_prefix(end + 1);
  }
}

}  // namespace halcyon::cli

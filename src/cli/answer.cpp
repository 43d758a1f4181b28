#include "cli/answer.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <optional>
#include <system_error>

#include "base/system.h"

namespace halcyon::cli {
namespace {

/// Three significant digits, or all before the point.
std::string number(double x) { return x < 100 ? fmt::format("{:.3g}", x) : fmt::format("{:.0f}", x); }

std::string rate(int32_t steps, double ms) {
  return (steps > 0 && ms > 0 ? number(steps * 1e3 / ms) : "-") + " tok/s";
}

std::string joules(const energy::Joules& j, int32_t tokens) {
  if (tokens <= 0) return "-";
  std::string text = number(j.gross / tokens);
  if (j.above_idle && *j.above_idle != j.gross)
    text += fmt::format(" ({} above idle)", number(*j.above_idle / tokens));
  return text;
}

/// Joules per token, and whether somebody measured them.
std::string price(const engine::Timings::Energy& energy, int32_t prefilled, int32_t decoded) {
  return fmt::format("prefill {} and decode {} J/token ({}{})", joules(energy.price.prefill, prefilled),
                     joules(energy.price.decode, decoded), energy.measured ? "measured: " : "",
                     energy.source);
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == 0x7F) {
      out += "\u2421";
    } else if (byte < 0x20 && byte != '\n' && byte != '\t') {
      out += {'\xE2', '\x90', static_cast<char>(0x80 + byte)};  // U+2400 + byte: pictures of the controls
    } else if (byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) {
      out += "\ufffd", ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

Result<Answer> print_answer(engine::Generation& generation) {
  static const bool terminal = isatty(STDOUT_FILENO) != 0;
  Answer answer;
  while (std::optional<engine::Event> event = generation.next()) {
    if (!event->text.empty()) {
      answer.text += event->text;
      fmt::print("{}", terminal ? printable(event->text) : event->text);
      if (std::fflush(stdout) != 0)
        return fail("cannot write standard output: {}", std::generic_category().message(errno));
    }
    if (event->finish) answer.finish = std::move(*event->finish);
  }
  if (!answer.text.ends_with('\n')) fmt::print("\n");
  std::fflush(stdout);
  if (answer.finish.error) return std::unexpected(std::move(*answer.finish.error));
  return answer;
}

std::string measures(const engine::Timings& t) {
  const int32_t decoded = t.predicted_n - 1;  // the first token came with the prompt
  std::string line = fmt::format("prefill {} ({} tokens", rate(t.prompt_n, t.prompt_ms), t.prompt_n);
  if (t.cache_n > 0) line += fmt::format(", {} reused", t.cache_n);
  line += fmt::format(") · decode {} ({} tokens)", rate(decoded, t.predicted_ms), t.predicted_n);
  if (decoded > 0) line += fmt::format(" · {} CPU-ms/token", number(t.predicted_cpu_ms / decoded));
  if (t.energy) line += " · " + price(*t.energy, t.prompt_n, decoded);
  if (const std::optional<uint64_t> peak = peak_memory())
    line += fmt::format(" · peak memory {:.0f} MB", static_cast<double>(*peak) / 1e6);
  return line;
}

}  // namespace halcyon::cli

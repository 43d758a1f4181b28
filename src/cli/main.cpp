// The `halcyon` command: hands the arguments to one subcommand and turns what comes back into an exit status.
//
// Exit status: 0 done, 1 the action failed, 2 the command line was wrong.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>
#include <new>
#include <string>
#include <system_error>

#include "base/log.h"
#include "base/quote.h"
#include "base/result.h"
#include "cli/command.h"
#include "cli/diagnostics.h"

namespace halcyon::cli {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

int report_failure(const std::string& message) {
  diagnose("halcyon: error: {}\n", one_line(message));
  return kFailed;
}

/// One line that says what is wrong with the command line, and one that says where the options are listed.
int report_usage(const CLI::App& app, const CLI::ParseError& error) {
  std::string message = error.what();
  std::ranges::replace(message, '\n', ' ');
  std::string command = app.get_name();
  for (const CLI::App* chosen : app.get_subcommands()) command += " " + chosen->get_name();
  diagnose("halcyon: error: {}\nRun '{} --help' for usage.\n", one_line(message), command);
  return kUsage;
}

/// Output that did not reach its destination (a full disk, a closed descriptor) must not pass for success.
Result<void> flush_output() {
  errno = EIO;
  std::cout.flush();
  if (!std::cout || std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    return fail("cannot write standard output: {}", std::generic_category().message(errno));
  return {};
}

int run(int argc, char** argv) {
  CLI::App app("Runs language models from GGUF files on this machine.", "halcyon");
  app.set_version_flag("--version", "halcyon " HALCYON_VERSION);
  app.require_subcommand(0, 1);
  app.get_formatter()->column_width(32);

  Action chosen;
  add_advise(app, chosen);
  add_bench(app, chosen);
  add_devices(app, chosen);
  add_guard(app, chosen);
  add_history(app, chosen);
  add_inspect(app, chosen);
  add_logits(app, chosen);
  add_measure(app, chosen);
  add_power(app, chosen);
  add_report(app, chosen);
  add_run(app, chosen);
  add_serve(app, chosen);
  add_template(app, chosen);
  add_tokenize(app, chosen);

  try {
    app.parse(argc, argv);
    if (!chosen) throw CLI::RequiredError("A subcommand");
  } catch (const CLI::Success& asked) {  // --help and --version
    app.exit(asked);
    const Result<void> written = flush_output();
    return written ? 0 : report_failure(written.error().message);
  } catch (const CLI::ParseError& error) {
    return report_usage(app, error);
  }

  if (const Result<void> ready = init_logging(); !ready) return report_failure(ready.error().message);
  const Result<void> done = chosen();
  if (!done) return report_failure(done.error().message);
  const Result<void> written = flush_output();
  return written ? 0 : report_failure(written.error().message);
}

}  // namespace
}  // namespace halcyon::cli

int main(int argc, char** argv) {
  // Whoever reads our output may leave early (`halcyon inspect … | head`): end quietly, even if the parent
  // process left the signal ignored.
  std::signal(SIGPIPE, SIG_DFL);
  halcyon::cli::occupy_standard_descriptors();
  try {
    return halcyon::cli::run(argc, argv);
  } catch (const std::bad_alloc&) {
    halcyon::cli::diagnose("halcyon: error: out of memory\n");
  } catch (const std::exception& error) {
    halcyon::cli::diagnose("halcyon: error: {}\n", error.what());
  }
  return halcyon::cli::kFailed;
}

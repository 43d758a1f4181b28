// One file per subcommand. Each declares its options on the app and, when it is the chosen one, sets the
// action to run.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "base/result.h"

namespace halcyon::cli {

/// What a subcommand does once its options are parsed. An error goes to standard error as one line, with exit
/// status 1.
using Action = std::function<Result<void>()>;

void add_advise(CLI::App& app, Action& chosen);
void add_bench(CLI::App& app, Action& chosen);
void add_devices(CLI::App& app, Action& chosen);
void add_guard(CLI::App& app, Action& chosen);
void add_history(CLI::App& app, Action& chosen);
void add_inspect(CLI::App& app, Action& chosen);
void add_logits(CLI::App& app, Action& chosen);
void add_measure(CLI::App& app, Action& chosen);
void add_power(CLI::App& app, Action& chosen);
void add_report(CLI::App& app, Action& chosen);
void add_run(CLI::App& app, Action& chosen);
void add_serve(CLI::App& app, Action& chosen);
void add_template(CLI::App& app, Action& chosen);
void add_tokenize(CLI::App& app, Action& chosen);

}  // namespace halcyon::cli

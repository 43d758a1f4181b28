// halcyon advise: which server to run, and how, by what it costs in a day.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/quote.h"
#include "base/result.h"
#include "cli/command.h"
#include "cli/numbers.h"
#include "devices/versions.h"
#include "report/advice.h"
#include "report/advice_file.h"
#include "report/advice_text.h"
#include "report/history.h"

namespace halcyon::cli {
namespace {

struct AdviseOptions {
  std::vector<std::string> sources;
  report::WorkloadRequest workload;
  std::optional<double> price;
  std::string currency = "EUR";
  bool json = false;
};

/// What the newest measurement of the same server in the history, if there is one that is newer, found of
/// what this machine does not tell by itself.
std::map<std::string, std::string> newest_versions(const report::Measurement& measurement) {
  auto history = report::History::open();
  const Result<std::vector<report::History::Entry>> entries =
      history ? history->list() : forward_error(history);
  const report::Measurement* newest = &measurement;
  if (entries)
    for (const auto& [id, other] : *entries)
      if (other && other->started_at > newest->started_at && same_target(*other, measurement))
        newest = &*other;
  return newest->versions;
}

/// What the named sources hold, all together.
Result<report::AdviceFile> read_sources(const std::vector<std::string>& sources) {
  report::AdviceFile all;
  for (const std::string& source : sources) {
    if (!source.ends_with(".toml")) {
      TRY(const report::Measurement measurement, report::find_measurement(source));
      auto candidate = report::candidate_from(measurement);
      if (!candidate) return std::unexpected(std::move(candidate.error()).in(source));
      candidate->newest_versions = newest_versions(measurement);
      all.candidates.push_back(std::move(*candidate));
      continue;
    }
    TRY(report::AdviceFile file, report::read_advice_file(source));
    std::ranges::move(file.candidates, std::back_inserter(all.candidates));
    if (file.workload) {
      if (all.workload) return fail("{}: another file has a workload already", quote(source));
      all.workload = file.workload;
    }
    if (file.price) all.price = file.price;
  }
  return all;
}

/// Two that share a name are told apart by where they come from.
void tell_apart(std::vector<report::Candidate>& candidates) {
  std::map<std::string, int> namesakes;
  for (const report::Candidate& c : candidates) ++namesakes[c.name];
  for (report::Candidate& c : candidates)
    if (namesakes[c.name] > 1) c.name += " (" + c.origin + ")";
}

Result<void> advise(const AdviseOptions& options) {
  TRY(report::AdviceFile input, read_sources(options.sources));
  tell_apart(input.candidates);
  TRY(const report::Workload workload, report::resolve(input.workload.value_or(report::WorkloadRequest{}),
                                                       options.workload, input.candidates));
  std::optional<report::Price> price = input.price;
  if (options.price) price = {.per_kwh = *options.price, .currency = options.currency};
  TRY(const report::Advice advice,
      report::advise(std::move(input.candidates), workload, devices::current_versions({})));
  if (options.json) {
    std::cout << report::to_json(advice, price).dump(2, ' ', false, nlohmann::json::error_handler_t::replace)
              << '\n';
  } else {
    std::cout << report::to_text(advice, price);
  }
  return {};
}

}  // namespace

void add_advise(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<AdviseOptions>();
  CLI::App* command = app.add_subcommand(
      "advise",
      "Says which server to run, and how, by what it costs in a day, and at which load that changes");
  command
      ->add_option("sources", options->sources,
                   "Measurements (measurement.json, or ids of `halcyon history`), and TOML files of figures")
      ->required()
      ->type_name("SOURCE");
  command->add_option("--workload", options->workload.preset, "What is asked of it: chat, server or batch")
      ->check(CLI::IsMember({"chat", "server", "batch"}))
      ->type_name("NAME");
  for (const report::WorkloadField& field : report::workload_fields()) {
    command->add_option(std::string(field.option), options->workload.*field.member, std::string(field.help))
        ->check(between(field.low, field.high))
        ->type_name(std::string(field.unit));
  }
  CLI::Option* price = command->add_option("--price", options->price, "What a kWh costs")
                           ->check(between(0.0, report::kMaxPricePerKwh))
                           ->type_name("AMOUNT");
  command->add_option("--currency", options->currency, "The currency of --price")
      ->capture_default_str()
      ->needs(price);
  command->add_flag("--json", options->json, "Print everything as JSON");
  command->callback([options, &chosen] { chosen = [options] { return advise(*options); }; });
}

}  // namespace halcyon::cli

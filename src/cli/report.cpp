// halcyon report: one page about one server or several side by side.
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "report/cost_page.h"
#include "report/history.h"
#include "report/output_file.h"

namespace halcyon::cli {
namespace {

/// More than that is no comparison, and no page either.
constexpr size_t kMostMeasurements = 12;

struct ReportOptions {
  std::vector<std::string> sources{"last"};
  std::string output, format;
};

Result<void> make_report(const ReportOptions& options) {
  if (options.sources.size() > kMostMeasurements)
    return fail("{} measurements, {} are the most on one page", options.sources.size(), kMostMeasurements);
  std::vector<report::Measurement> measurements;
  for (const std::string& source : options.sources) {
    TRY(report::Measurement measurement, report::find_measurement(source));
    measurements.push_back(std::move(measurement));
  }
  const report::Page page = report::cost_page(measurements);
  const bool as_markdown =
      options.format == "md" || (options.format.empty() && options.output.ends_with(".md"));
  const std::string text = as_markdown ? to_markdown(page) : to_html(page);
  if (options.output != "-") return report::write_atomically(options.output, text);
  std::cout << text;
  return {};
}

}  // namespace

void add_report(CLI::App& app, Action& chosen) {
  const auto options = std::make_shared<ReportOptions>();
  CLI::App* command =
      app.add_subcommand("report", "Write a page with charts about measurements, side by side");
  command->add_option("measurements", options->sources,
                      "Ids of the history, their beginnings, 'last' (default), or measurement.json files");
  command->add_option("-o,--output", options->output, "The file to write; - is standard output")->required();
  command
      ->add_option("--format", options->format, "html or md; by default what the file's name says, else html")
      ->check(CLI::IsMember({"html", "md"}));
  command->callback([=, &chosen] { chosen = [options] { return make_report(*options); }; });
}

}  // namespace halcyon::cli

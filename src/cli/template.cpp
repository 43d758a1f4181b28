// halcyon template: renders a chat template by itself, to see what a model would be given.
#include "template/template.h"

#include <ctime>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/byte_source.h"
#include "cli/command.h"

namespace halcyon::cli {
namespace {

constexpr uint64_t max_file_bytes = uint64_t{64} << 20;

/// The bytes of a file, or of standard input for "-".
Result<std::string> read_text(const std::string& path) {
  if (path == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  TRY(const auto file, open_file(path));
  if (file->size() > max_file_bytes)
    return fail("{}: {} bytes are too many for a template", path, file->size());
  std::string text(file->size(), '\0');
  CHECK_OK(file->read(0, std::as_writable_bytes(std::span(text))));
  return text;
}

Result<std::tm> parse_time(const std::string& text) {
  std::tm time{};
  const char* end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &time);
  if (!end || *end != '\0') return fail("--now {}: expected a time such as 2026-06-23T09:30:00", text);
  const std::time_t seconds = timegm(&time);  // fills in the day of the week and of the year
  gmtime_r(&seconds, &time);
  return time;
}

Result<void> render(const std::string& template_path, const std::string& context_path,
                    const std::string& now) {
  if (template_path == "-" && context_path == "-") return fail("only one of template and context can be '-'");
  TRY(const std::string source, read_text(template_path));
  TRY(const std::string context_text, read_text(context_path));
  nlohmann::ordered_json context;
  try {
    context = nlohmann::ordered_json::parse(context_text);
  } catch (const nlohmann::json::exception& e) {
    return fail("{}: {}", context_path, e.what());
  }
  jinja::RenderOptions options;
  if (!now.empty()) {
    TRY(options.now, parse_time(now));
  }
  auto parsed = jinja::Template::parse(source);
  if (!parsed) return std::unexpected(std::move(parsed.error()).in(template_path));
  auto text = parsed->render(context, options);
  if (!text) return std::unexpected(std::move(text.error()).in(template_path));
  std::cout << *text;
  return {};
}

}  // namespace

void add_template(CLI::App& app, Action& chosen) {
  struct Options {
    std::string file, context, now;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("template", "Render a chat template with a context");
  command->add_option("file", options->file, "The template, a Jinja file, or - for standard input")
      ->required();
  command
      ->add_option("--context", options->context, "The names it sees, a JSON object, or - for standard input")
      ->required();
  command->add_option("--now", options->now,
                      "What strftime_now formats: 2026-06-23T09:30:00 (default: the local time)");
  command->callback([options, &chosen] {
    chosen = [options] { return render(options->file, options->context, options->now); };
  });
}

}  // namespace halcyon::cli

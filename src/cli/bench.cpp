// halcyon bench: how fast models are evaluated here, and how fast they could be.
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <ranges>
#include <string>
#include <vector>

#include "backend/cpu/device.h"
#include "base/system.h"
#include "bench/session.h"
#include "cli/bench_output.h"
#include "cli/command.h"
#include "cli/diagnostics.h"
#include "cli/interrupt.h"
#include "cli/ledger.h"
#include "cli/load.h"
#include "cli/numbers.h"
#include "cli/status_line.h"

namespace halcyon::cli {
namespace {

constexpr int32_t kMostTokens = 1 << 24;
constexpr std::string_view kEmbedded = "halcyon-tiny";

struct BenchLine {
  std::vector<std::string> models;  ///< none: the embedded one
  bench::Lists lists;
  bench::Plan plan;
  BenchFiles files;
  PowerConstants power;
};

/// The parts of "16,128,512"; options may also be repeated.
std::vector<std::string> parts_of(const std::vector<std::string>& texts) {
  std::vector<std::string> parts;
  for (const std::string& text : texts)
    for (const auto part : std::views::split(text, ',')) parts.emplace_back(part.begin(), part.end());
  return parts;
}

/// Declares an option that is a list with commas between. `parse` turns a part into a value, or throws.
template <class T, class Parse>
CLI::Option* add_list(CLI::App& command, const std::string& name, std::vector<T>& list,
                      const std::string& help, const Parse& parse) {
  return command
      .add_option_function<std::vector<std::string>>(
          name,
          [&list, parse](const std::vector<std::string>& texts) {
            list.clear();
            for (const std::string& part : parts_of(texts)) list.push_back(parse(part));
            if (list.empty()) list.push_back(parse(""));  // an empty list is an empty value
          },
          help)
      ->type_name("LIST")
      ->allow_extra_args(false);
}

/// The same for whole numbers.
CLI::Option* add_numbers(CLI::App& command, const std::string& name, std::vector<int32_t>& list, int32_t low,
                         int32_t high, const std::string& help) {
  const std::string option = name.substr(name.rfind(',') + 1);
  return add_list(command, name, list, help, [=](const std::string& part) {
    const std::optional<int32_t> number = parse_number<int32_t>(part);
    if (!number || *number < low || *number > high)
      throw CLI::ValidationError(
          option, fmt::format("'{}' is not {}; a list is such as 1,2,4", part, numbers_between(low, high)));
    return *number;
  });
}

Result<bench::ModelFile> open_for_bench(const std::string& path) {
  const ModelOptions options{.path = path, .ledger = nullptr};
  TRY(gguf::File file, open_model(options));
  const std::string name =
      path.empty() ? std::string(kEmbedded) : std::filesystem::path(path).stem().string();
  return bench::describe(name_of(options), name, std::move(file));
}

Result<std::unique_ptr<backend::Device>> open_bench_device(int32_t threads, const std::string& isa) {
  TRY(const cpu::Isa found, cpu::find_isa(isa));
  return cpu::create({.threads = threads, .isa = found});
}

/// Everything that can be known before the first case.
Result<void> make_plan(BenchLine& line) {
  bench::Lists& lists = line.lists;
  if (lists.isa.empty()) {
    TRY(const cpu::Isa isa, cpu::select_isa());
    lists.isa.emplace_back(cpu::name_of(isa));
  }
  for (const std::string& isa : lists.isa)
    if (const auto found = cpu::find_isa(isa); !found) return fail("--isa {}", found.error().message);
  if (lists.threads.empty()) lists.threads = {0};
  for (int32_t& threads : lists.threads)
    if (threads == 0) threads = available_cores();
  if (line.models.empty()) line.models = {""};
  lists.n_models = line.models.size();
  TRY(line.plan.groups, bench::cross_product(lists));
  for (const std::string& path : line.models) {
    TRY(line.plan.models.emplace_back(), open_for_bench(path));
  }
  line.plan.open_device = open_bench_device;
  CHECK_OK(bench::check(line.plan));
  energy::Hints unused;  // `halcyon power` shows them
  line.plan.ledger = open_ledger(line.power, unused);
  return {};
}

Result<void> run_bench(BenchLine& line) {
  CHECK_OK(make_plan(line));
  auto interrupt = std::make_unique<Interrupt>();
  BenchOutput output(line.files, line.plan.models);
  CHECK_OK(output.begin());
  Result<void> done;
  {
    StatusLine status;
    const bench::Observer observer = {.progress = [&](const std::string& what) { status.show(what); },
                                      .have_result =
                                          [&](const bench::CaseResult& result) {
                                            status.clear();
                                            return output.add(result);
                                          }};
    done = bench::run(line.plan, observer, interrupt->token());
  }
  const Result<void> ended = output.end();
  if (!done) return done;
  CHECK_OK(Result<void>(ended));
  if (const int signal = interrupt->signal()) {
    interrupt.reset();
    diagnose("[stopped: {} of {} cases were measured]\n", output.n_results(), line.plan.n_cases());
    std::exit(128 + signal);  // as a shell says it
  }
  return {};
}

backend::KvType parse_kv(const std::string& name) {
  for (const backend::KvType type : {backend::KvType::f16, backend::KvType::f32, backend::KvType::q8_0})
    if (bench::name_of(type) == name) return type;
  throw CLI::ValidationError("--kv", fmt::format("'{}' is not f16, f32 or q8_0", name));
}

}  // namespace

void add_bench(CLI::App& app, Action& chosen) {
  auto line = std::make_shared<BenchLine>();
  bench::Lists& lists = line->lists;
  CLI::App* command =
      app.add_subcommand("bench", "Measure how fast models are evaluated, and how fast they could be");
  command
      ->add_option("-m,--model", line->models,
                   "The GGUF file; may be repeated (default: the model inside halcyon)")
      ->type_name("FILE")
      ->allow_extra_args(false);
  add_numbers(*command, "-p,--prompt", lists.prompt, 0, kMostTokens, "Tokens of a prompt (512; 0: none)");
  add_numbers(*command, "-n,--predict", lists.generate, 0, kMostTokens, "Tokens to generate (128; 0: none)");
  add_numbers(*command, "-d,--depth", lists.depth, 0, kMostTokens, "Tokens in the context before that (0)");
  add_numbers(*command, "--parallel", lists.parallel, 1, 1024, "Sequences at once (1)");
  add_numbers(*command, "--threads", lists.threads, 0, 1024, "CPU threads (0: one for each core)");
  add_list(*command, "--isa", lists.isa, "scalar, avx2 or avx512 (the best that the processor has)",
           [](const std::string& name) { return name; });
  add_list(*command, "--kv", lists.kv, "Type of keys and values in memory: f16, f32 or q8_0 (f16)", parse_kv);
  command->add_option("-r,--repetitions", line->plan.repetitions, "Repetitions of each case")
      ->check(between(1, 10'000))
      ->capture_default_str();
  command->add_option("--batch", line->plan.n_batch, "Tokens of one step, at most")
      ->check(between(1, 1 << 16))
      ->capture_default_str();
  command
      ->add_option("--calibrate", line->plan.calibrate_seconds,
                   "Seconds for finding out what the machine can do, before and after each case")
      ->check(between(0.01, 600.0))
      ->capture_default_str();
  command
      ->add_option("-o,--format", line->files.format,
                   "table, md, csv or json (what --output's name says, or table)")
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(bench::kFormats), std::end(bench::kFormats))))
      ->type_name("FORMAT");
  command->add_option("--output", line->files.output, "File for the results (standard output)")
      ->type_name("FILE");
  command->add_option("--plot", line->files.plot, "Draw the roofline into this SVG file")->type_name("FILE");
  add_power_constants(*command, line->power);
  command->callback([line, &chosen] { chosen = [line] { return run_bench(*line); }; });
}

}  // namespace halcyon::cli

#include "cli/load.h"

#include <unistd.h>

#include <utility>

#include "backend/cpu/device.h"
#include "cli/diagnostics.h"
#include "cli/numbers.h"
#include "embedded/embedded_model.h"

namespace halcyon::cli {
namespace {

backend::KvType parse_kv_type(const std::string& name) {
  using enum backend::KvType;
  for (const auto& [known, type] : {std::pair{"f16", f16}, {"f32", f32}, {"q8_0", q8_0}})
    if (name == known) return type;
  throw CLI::ValidationError("--kv", fmt::format("'{}' is not f16, f32 or q8_0", name));
}

}  // namespace

void add_model_options(CLI::App& command, ModelOptions& options) {
  command.add_option("-m,--model", options.path, "The GGUF file (default: the model inside halcyon)")
      ->type_name("FILE");
  command.add_option("--ctx", options.n_ctx, "Tokens of context (0: the model's, at most 4096)")
      ->check(between(0, 1 << 30))
      ->capture_default_str();
  command.add_option("--threads", options.threads, "CPU threads (0: one for each core)")
      ->check(between(0, 1024))
      ->capture_default_str();
  command
      .add_option_function<std::string>(
          "--kv", [&options](const std::string& name) { options.kv = parse_kv_type(name); },
          "Type of keys and values in memory: f16, f32 or q8_0 (default: f16)")
      ->type_name("TYPE");
}

std::string name_of(const ModelOptions& options) {
  return options.path.empty() ? "the embedded model" : options.path;
}

Result<gguf::File> open_model(const ModelOptions& options) {
  if (options.path.empty()) return gguf::File::parse(memory_source(name_of(options), embedded_model()));
  return gguf::File::open(options.path);
}

Result<std::unique_ptr<backend::Device>> open_device(const ModelOptions& options) {
  return cpu::create({.threads = options.threads, .exact = options.exact});
}

LoadProgress::LoadProgress() : terminal_(isatty(STDERR_FILENO) != 0) {}

LoadProgress::~LoadProgress() {
  if (percent_ >= 0) diagnose("\r{:20}\r", "");
}

void LoadProgress::show(double fraction) {
  constexpr auto patience = std::chrono::milliseconds(200);
  const int percent = static_cast<int>(fraction * 100);
  if (!terminal_ || percent == percent_ || std::chrono::steady_clock::now() - start_ < patience) return;
  percent_ = percent;
  diagnose("\rloading: {:3} %", percent);
}

Result<LoadedModel> load_model(const ModelOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  LoadProgress progress;
  TRY(const gguf::File file, open_model(options));
  LoadedModel model;
  TRY(model.device, open_device(options));
  const engine::EngineOptions engine_options = {
      .n_ctx = options.n_ctx, .kv = options.kv, .ledger = options.ledger, .progress = [&](double fraction) {
        progress.show(fraction);
      }};
  Result<std::unique_ptr<engine::Engine>> engine = engine::Engine::load(file, *model.device, engine_options);
  if (!engine) return std::unexpected(std::move(engine.error()).in(name_of(options)));
  model.engine = std::move(*engine);
  model.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return model;
}

}  // namespace halcyon::cli

#include "cli/load.h"

#include <unistd.h>

#include <cstdio>
#include <map>

#include "backend/cpu/device.h"
#include "embedded/embedded_model.h"

namespace halcyon::cli {

void add_model_options(CLI::App& command, ModelOptions& options) {
  static const std::map<std::string, backend::KvType> kv_types = {
      {"f16", backend::KvType::f16}, {"f32", backend::KvType::f32}, {"q8_0", backend::KvType::q8_0}};
  command.add_option("-m,--model", options.path, "The GGUF file (default: the model inside halcyon)")
      ->type_name("FILE");
  command.add_option("--ctx", options.n_ctx, "Tokens of context (0: the model's, at most 4096)")
      ->check(CLI::Range(0, 1 << 30).description(""))
      ->capture_default_str();
  command.add_option("--threads", options.threads, "CPU threads (0: one for each core)")
      ->check(CLI::Range(0, 1024).description(""))
      ->capture_default_str();
  command
      .add_option("--kv", options.kv, "Type of keys and values in memory: f16, f32 or q8_0 (default: f16)")
      ->type_name("TYPE")
      ->transform(CLI::CheckedTransformer(kv_types).description(""));
}

Result<gguf::File> open_model(const ModelOptions& options) {
  if (options.path.empty()) return gguf::File::parse(memory_source("the embedded model", embedded_model()));
  return gguf::File::open(options.path);
}

Result<std::unique_ptr<backend::Device>> open_device(const ModelOptions& options) {
  return cpu::create({.threads = options.threads, .exact = options.exact});
}

LoadProgress::LoadProgress() : terminal_(isatty(STDERR_FILENO) != 0) {}

LoadProgress::~LoadProgress() {
  if (percent_ >= 0) fmt::print(stderr, "\r{:20}\r", "");
}

void LoadProgress::show(double fraction) {
  constexpr auto patience = std::chrono::milliseconds(200);
  const int percent = static_cast<int>(fraction * 100);
  if (!terminal_ || percent == percent_ || std::chrono::steady_clock::now() - start_ < patience) return;
  percent_ = percent;
  fmt::print(stderr, "\rloading: {:3} %", percent);
}

Result<LoadedModel> load_model(const ModelOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  LoadProgress progress;
  TRY(const gguf::File file, open_model(options));
  LoadedModel model;
  TRY(model.device, open_device(options));
  const engine::EngineOptions engine_options = {
      .n_ctx = options.n_ctx, .kv = options.kv, .progress = [&](double fraction) {
        progress.show(fraction);
      }};
  Result<std::unique_ptr<engine::Engine>> engine = engine::Engine::load(file, *model.device, engine_options);
  if (!engine)
    return std::unexpected(
        std::move(engine.error()).in(options.path.empty() ? "the embedded model" : options.path));
  model.engine = std::move(*engine);
  model.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return model;
}

}  // namespace halcyon::cli

// halcyon serve: keeps models resident and answers HTTP clients.
#include <signal.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdlib>
#include <memory>

#include "base/log.h"
#include "base/signals.h"
#include "base/system.h"
#include "cli/command.h"
#include "cli/ledger.h"
#include "cli/load.h"
#include "serve/api.h"
#include "serve/config.h"
#include "serve/http_server.h"
#include "serve/systemd.h"

namespace halcyon::cli {
namespace {

/// The text of a log line as a JSON string.
class JsonMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    const std::string text = serve::to_text(std::string(message.payload.begin(), message.payload.end()));
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<JsonMessage>(); }
};

/// A server tells what it does, unless HALCYON_LOG says otherwise.
void set_up_log(bool json) {
  log_what_is_done();
  if (!json) return;
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<JsonMessage>('*').set_pattern(
      R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","message":%*})");
  spdlog::default_logger()->set_formatter(std::move(formatter));
}

ModelOptions model_options(const serve::ServeConfig& config, const std::string& path) {
  return {.path = path, .n_ctx = config.ctx, .threads = config.threads, .kv = config.kv, .ledger = nullptr};
}

serve::ModelLoader model_loader(const serve::ServeConfig& config,
                                const std::shared_ptr<energy::Ledger>& ledger) {
  const engine::EngineOptions engine_options = {.n_ctx = config.ctx,
                                                .n_parallel = config.parallel,
                                                .kv = config.kv,
                                                .ledger = ledger,
                                                .progress = nullptr};
  return {
      .open = [config](const std::string& path) { return open_model(model_options(config, path)); },
      .load = [config, engine_options](const std::string& path) -> Result<serve::LoadedModel> {
        const auto start = std::chrono::steady_clock::now();
        energy::Ledger::Step step;
        engine_options.ledger->begin(step);
        const ModelOptions options = model_options(config, path);
        TRY(const gguf::File file, open_model(options));
        serve::LoadedModel model;
        TRY(model.device, open_device(options));
        TRY(model.engine, engine::Engine::load(file, *model.device, engine_options));
        engine_options.ledger->end(step, energy::Phase::load);
        model.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        return model;
      },
      .context =
          [config](const gguf::File& file) {
            return engine::choose_context(file.metadata(), config.ctx).value_or(0);
          },
      .memory_needed =
          [engine_options](const gguf::File& file) { return memory_needed(file, engine_options); },
      .memory_available = available_memory,
  };
}

std::vector<serve::ModelSource> model_sources(const serve::ServeConfig& config) {
  std::vector<serve::ModelSource> sources;
  for (const std::string& path : config.models) sources.push_back({.path = path, .alias = ""});
  if (sources.empty()) sources.emplace_back();  // the embedded model
  for (size_t i = 0; i < std::min(sources.size(), config.aliases.size()); ++i)
    sources[i].alias = config.aliases[i];
  return sources;
}

Result<serve::ApiOptions> api_options(const serve::ServeConfig& config) {
  serve::ApiOptions options;
  if (!config.api_key_file.empty()) {
    TRY(const std::vector<std::string> keys, serve::read_api_keys(config.api_key_file));
    options.keys.emplace(keys);
  }
  options.cors = config.cors;
  options.metrics = config.metrics;
  options.n_parallel = config.parallel;
  options.max_queue = config.max_queue;
  return options;
}

serve::HttpOptions http_options(const serve::ServeConfig& config, std::optional<int> socket) {
  serve::HttpOptions options;
  options.host = config.host;
  options.port = static_cast<uint16_t>(config.port);
  options.listen_fd = socket.value_or(-1);
  if (!config.tls_cert.empty()) options.tls = {.cert = config.tls_cert, .key = config.tls_key};
  options.limits.max_body = config.max_body;
  options.limits.idle_timeout = config.keep_alive.value_or(std::chrono::hours(24 * 365));
  return options;
}

Result<void> serve_models(const serve::ServeCommandLine& line) {
  TRY(const std::optional<int> socket, serve::activated_socket());
  TRY(const serve::ResolvedConfig resolved,
      serve::resolve(line, serve::process_environment, socket.has_value()));
  const serve::ServeConfig& config = resolved.config;
  if (line.print_config) {
    fmt::print("{}", resolved.toml);
    return {};
  }
  set_up_log(config.log_json);
  signal(SIGPIPE, SIG_IGN);  // clients come and go

  auto termination = std::make_unique<CaughtSignals>(std::initializer_list{SIGTERM, SIGINT});
  energy::Hints hints;
  const auto ledger =
      open_ledger({.watts_per_core = config.watts_per_core, .gpu_watts = config.gpu_watts}, hints);
  TRY(const std::unique_ptr<serve::ModelStore> models,
      serve::ModelStore::open(model_sources(config), model_loader(config, ledger), config.unload_after));
  TRY(serve::ApiOptions options, api_options(config));
  options.ledger = ledger;
  serve::Api api(*models, std::move(options));
  TRY(std::unique_ptr<serve::HttpServer> server, serve::HttpServer::start(api, http_options(config, socket)));
  api.count_connections([&server] { return server->stats().connections; });

  const std::string where = (config.tls_cert.empty() ? "http://" : "https://") + server->address();
  spdlog::info("listening on {}", where);
  spdlog::info("energy: {}", ledger->source());
  for (const std::string& hint : hints) spdlog::info("{}", hint);
  serve::notify_ready("listening on " + where);
  termination->wait();

  const std::chrono::milliseconds grace = config.grace.value_or(std::chrono::hours(24 * 365));
  spdlog::info("shutting down: answers in work have {} s; a second signal ends at once",
               grace.count() / 1000);
  serve::notify_stopping();
  termination.reset();
  server->stop_listening();
  if (!server->wait_until_idle(grace)) spdlog::warn("some answers were not finished in time");
  server.reset();
  return {};
}

}  // namespace

void add_serve(CLI::App& app, Action& chosen) {
  auto line = std::make_shared<serve::ServeCommandLine>();
  CLI::App* command =
      app.add_subcommand("serve", "Answer HTTP clients: OpenAI's, Ollama's and llama-server's API");
  serve::add_serve_options(*command, *line);
  command->callback([line, &chosen] { chosen = [line] { return serve_models(*line); }; });
}

}  // namespace halcyon::cli

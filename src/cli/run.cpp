// halcyon run: answers a prompt, or chats.
#include <memory>
#include <string>

#include "cli/answer.h"
#include "cli/chat.h"
#include "cli/command.h"
#include "cli/diagnostics.h"
#include "cli/ledger.h"
#include "cli/load.h"
#include "cli/numbers.h"
#include "cli/sampling_options.h"

namespace halcyon::cli {
namespace {

struct RunOptions {
  ModelOptions model;
  PowerConstants power;
  engine::Request request;  ///< how to answer; the prompt is still to come
  std::optional<std::string> prompt;
  std::string system;
  bool raw = false, quiet = false;
};

Result<std::vector<engine::Token>> prompt_tokens(const engine::Engine& engine, const RunOptions& options) {
  if (options.raw) return engine::encode_prompt(engine.tokenizer(), *options.prompt);
  auto messages = nlohmann::ordered_json::array();
  if (!options.system.empty()) messages.push_back({{"role", "system"}, {"content", options.system}});
  messages.push_back({{"role", "user"}, {"content", *options.prompt}});
  return engine.chat_prompt(messages);
}

Result<void> answer_once(const LoadedModel& model, const RunOptions& options) {
  engine::Request request = options.request;
  TRY(request.prompt, prompt_tokens(*model.engine, options));
  if (request.prompt.size() > static_cast<size_t>(model.engine->n_ctx()))
    return fail("the prompt has {} tokens, more than the context of {}: shorten it, or make room with --ctx",
                request.prompt.size(), model.engine->n_ctx());
  TRY(const std::shared_ptr<engine::Generation> generation, model.engine->submit(std::move(request)));
  TRY(const Answer answer, print_answer(*generation));
  const engine::Timings& t = answer.finish.timings;
  if (answer.finish.reason == engine::FinishReason::length && t.predicted_n != options.request.max_tokens)
    diagnose("[the context of {} tokens is full: --ctx makes room]\n", model.engine->n_ctx());
  if (!options.quiet) diagnose("[{} · loaded in {:.2f} s]\n", measures(t), model.seconds);
  return {};
}

Result<void> run(const RunOptions& options) {
  ModelOptions priced = options.model;
  energy::Hints unused;  // `halcyon power` shows them
  priced.ledger = open_ledger(options.power, unused);
  TRY(const LoadedModel model, load_model(priced));
  if (!options.raw && !model.engine->tokenizer().chat_template())
    diagnose("[the model's file has no chat template: ChatML is used; --raw completes text without one]\n");
  if (options.prompt) return answer_once(model, options);
  return chat(*model.engine, options.request, options.system, options.quiet);
}

}  // namespace

void add_run(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* command = app.add_subcommand("run", "Answer a prompt, or chat");
  add_model_options(*command, options->model);
  CLI::Option* prompt =
      command->add_option("-p,--prompt", options->prompt, "Answer this and end (default: chat)");
  command
      ->add_option("-n,--predict", options->request.max_tokens,
                   "At most so many tokens (-1: as many as it takes)")
      ->check(between(-1, 1 << 30))
      ->capture_default_str();
  CLI::Option* system =
      command->add_option("--system", options->system, "What the model is told before the conversation");
  command->add_flag("--raw", options->raw, "Complete the text of -p as it is, without the chat template")
      ->needs(prompt)
      ->excludes(system);
  command->add_flag("--quiet", options->quiet, "Do not print what the answer cost");
  add_sampling_options(*command, options->request.sampling);
  add_power_constants(*command, options->power);
  command->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

}  // namespace halcyon::cli

// halcyon logits: what a model computes, as numbers for comparisons.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <iterator>
#include <memory>
#include <ranges>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/load.h"
#include "cli/numbers.h"
#include "engine/sampler.h"
#include "model/model.h"

namespace halcyon::cli {
namespace {

using engine::Token;

struct LogitsOptions {
  ModelOptions model;
  std::vector<Token> tokens;
  int32_t greedy = 0;
  int32_t chunk = 256;
};

/// "1,2,3"
std::vector<Token> parse_tokens(const std::string& list) {
  std::vector<Token> tokens;
  for (const auto part : std::views::split(list, ',')) {
    const std::optional<Token> token = parse_number<Token>(std::string_view(part.begin(), part.end()));
    if (!token) throw CLI::ValidationError("--tokens", fmt::format("'{}' is not a list such as 1,2,3", list));
    tokens.push_back(*token);
  }
  if (tokens.empty()) throw CLI::ValidationError("--tokens", "there must be at least one");
  return tokens;
}

/// Nine significant digits give a float back exactly; JSON has no other numbers than finite ones.
std::string to_json(const std::vector<float>& logits, const std::vector<Token>& greedy) {
  std::string out = R"({"logits":[)";
  const char* separator = "";
  for (const float x : logits) {
    out += std::exchange(separator, ",");
    std::isfinite(x) ? fmt::format_to(std::back_inserter(out), "{:.9g}", x)
                     : fmt::format_to(std::back_inserter(out), "null");
  }
  return out + fmt::format(R"(],"greedy":[{}]}})", fmt::join(greedy, ",")) + "\n";
}

struct Compiled {
  std::unique_ptr<backend::Device> device;
  std::unique_ptr<backend::Executable> executable;
  int32_t n_vocab = 0;
};

Result<Compiled> compile(const gguf::File& file, const LogitsOptions& options) {
  TRY(const int32_t n_ctx, engine::choose_context(file.metadata(), options.model.n_ctx));
  const size_t needed = options.tokens.size() + static_cast<size_t>(options.greedy);
  if (needed > static_cast<size_t>(n_ctx))
    return fail("{} tokens and {} greedy ones are more than the context of {}: make room with --ctx",
                options.tokens.size(), options.greedy, n_ctx);
  TRY(model::Model model, model::build(file, n_ctx));
  Compiled compiled{.device = nullptr, .executable = nullptr, .n_vocab = model.config.n_vocab};
  for (const Token token : options.tokens) {
    if (token < 0 || token >= compiled.n_vocab)
      return fail("--tokens has {}; the vocabulary of the model has 0 to {}", token, compiled.n_vocab - 1);
  }
  TRY(compiled.device, open_device(options.model));
  LoadProgress progress;
  const backend::CompileOptions compile = {.n_ctx = n_ctx,
                                           .n_seq = 1,
                                           .n_batch = std::min(options.chunk, n_ctx),
                                           .n_outputs = 1,
                                           .kv = options.model.kv,
                                           .progress = [&](double fraction) { progress.show(fraction); }};
  TRY(compiled.executable, compiled.device->compile(std::move(model.program), compile));
  return compiled;
}

Result<void> logits(const LogitsOptions& options) {
  TRY(const gguf::File file, open_model(options.model));
  Result<Compiled> compiled = compile(file, options);
  if (!compiled) return std::unexpected(std::move(compiled.error()).in(name_of(options.model)));
  backend::Executable& executable = *compiled->executable;

  TRY(const backend::SeqId seq, executable.memory().create());
  const auto evaluate = [&](std::span<const Token> tokens) {
    const backend::Segment segment{.seq = seq, .tokens = tokens};
    return executable.run({&segment, 1});
  };
  std::span<const float> row;
  for (std::span<const Token> rest = options.tokens; !rest.empty();) {
    const size_t n = std::min(rest.size(), static_cast<size_t>(executable.options().n_batch));
    TRY(row, evaluate(rest.first(n)));
    rest = rest.subspan(n);
  }
  const std::vector<float> last(row.begin(), row.end());

  engine::SamplingParams params;
  params.temperature = 0;
  TRY(engine::Sampler sampler, engine::Sampler::create(params, compiled->n_vocab));
  std::vector<Token> greedy;
  while (greedy.size() < static_cast<size_t>(options.greedy)) {
    if (!greedy.empty()) {
      TRY(row, evaluate({&greedy.back(), 1}));
    }
    TRY(greedy.emplace_back(),
        sampler.sample(row, options.tokens));  // without penalties the past plays no part
  }
  std::cout << to_json(last, greedy);
  return {};
}

}  // namespace

void add_logits(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<LogitsOptions>();
  CLI::App* command = app.add_subcommand("logits", "Print the logits after some tokens as JSON");
  add_model_options(*command, options->model);
  command
      ->add_option_function<std::string>(
          "--tokens", [options](const std::string& list) { options->tokens = parse_tokens(list); },
          "The tokens: 1,2,3")
      ->required();
  command
      ->add_option("--greedy", options->greedy,
                   "Also print the N most likely tokens that follow, one after the other")
      ->check(between(0, 1 << 30))
      ->capture_default_str();
  command->add_option("--chunk", options->chunk, "Tokens of one step")
      ->check(between(1, 1 << 20))
      ->capture_default_str();
  command->add_flag("--exact", options->model.exact,
                    "Decode matrices to float32 and do not quantise activations");
  command->callback([options, &chosen] { chosen = [options] { return logits(*options); }; });
}

}  // namespace halcyon::cli

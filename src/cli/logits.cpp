// halcyon logits: what a model computes, as numbers for comparisons.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/load.h"
#include "engine/sampler.h"
#include "engine/sequence.h"
#include "model/model.h"

namespace halcyon::cli {
namespace {

using engine::Token;

struct Options {
  ModelOptions model;
  std::vector<Token> tokens;
  int32_t greedy = 0;
  int32_t chunk = 256;
};

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

Result<void> logits(const Options& options) {
  TRY(const gguf::File file, open_model(options.model));
  TRY(const int32_t n_ctx, engine::choose_context(file.metadata(), options.model.n_ctx));
  const size_t needed = options.tokens.size() + static_cast<size_t>(options.greedy);
  if (needed > static_cast<size_t>(n_ctx))
    return fail("{} tokens and {} greedy ones are more than the context of {}: make room with --ctx",
                options.tokens.size(), options.greedy, n_ctx);
  TRY(model::Model model, model::build(file, n_ctx));
  const auto n_vocab = model.config.n_vocab;
  for (const Token token : options.tokens) {
    if (token < 0 || token >= n_vocab)
      return fail("--tokens has {}; the vocabulary of the model has 0 to {}", token, n_vocab - 1);
  }

  TRY(const std::unique_ptr<backend::Device> device, open_device(options.model));
  LoadProgress progress;
  const backend::CompileOptions compile = {.n_ctx = n_ctx,
                                           .n_seq = 1,
                                           .n_batch = std::min(options.chunk, n_ctx),
                                           .n_outputs = 1,
                                           .kv = options.model.kv,
                                           .progress = [&](double fraction) { progress.show(fraction); }};
  TRY(const std::unique_ptr<backend::Executable> executable,
      device->compile(std::move(model.program), compile));

  engine::Sequence sequence(*executable);
  CHECK_OK(sequence.rewind(options.tokens));
  std::span<const float> row;
  for (std::span<const Token> rest = options.tokens; !rest.empty();) {
    const size_t n = std::min(rest.size(), static_cast<size_t>(compile.n_batch));
    TRY(row, sequence.evaluate(rest.first(n), n == rest.size()));
    rest = rest.subspan(n);
  }
  const std::vector<float> last(row.begin(), row.end());

  engine::SamplingParams params;
  params.temperature = 0;
  TRY(engine::Sampler sampler, engine::Sampler::create(params, n_vocab));
  std::vector<Token> greedy;
  while (greedy.size() < static_cast<size_t>(options.greedy)) {
    if (!greedy.empty()) {
      TRY(row, sequence.evaluate({&greedy.back(), 1}, true));
    }
    TRY(greedy.emplace_back(), sampler.sample(row, sequence.tokens()));
  }
  std::cout << to_json(last, greedy);
  return {};
}

}  // namespace

void add_logits(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("logits", "Print the logits after some tokens as JSON");
  add_model_options(*command, options->model);
  command->add_option("--tokens", options->tokens, "The tokens: 1,2,3")->delimiter(',')->required();
  command
      ->add_option("--greedy", options->greedy,
                   "Also print the N most likely tokens that follow, one after the other")
      ->check(CLI::Range(0, 1 << 30).description(""))
      ->capture_default_str();
  command->add_option("--chunk", options->chunk, "Tokens of one step")
      ->check(CLI::Range(1, 1 << 20).description(""))
      ->capture_default_str();
  command->add_flag("--exact", options->model.exact,
                    "Decode matrices to float32 and do not quantise activations");
  command->callback([options, &chosen] { chosen = [options] { return logits(*options); }; });
}

}  // namespace halcyon::cli

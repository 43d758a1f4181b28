// halcyon tokenize: what a model's vocabulary makes of a text.
#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>

#include "base/quote.h"
#include "cli/command.h"
#include "gguf/gguf.h"
#include "tokenizer/tokenizer.h"

namespace halcyon::cli {
namespace {

struct TokenizeOptions {
  std::string model;
  bool ids = false, add_special = false, no_parse_special = false;
};

Result<void> tokenize(const TokenizeOptions& options) {
  TRY(const auto file, gguf::File::open(options.model));
  auto tokenizer = tokenizer::Tokenizer::load(file.metadata());
  if (!tokenizer) return std::unexpected(std::move(tokenizer.error()).in(options.model));
  const std::string text(std::istreambuf_iterator<char>(std::cin), {});
  TRY(const auto tokens, tokenizer->encode(text, options.add_special, !options.no_parse_special));

  std::string out;
  if (options.ids) {
    out = fmt::format("[{}]\n", fmt::join(tokens, ","));
  } else {
    for (const tokenizer::Token token : tokens) {
      const std::string piece = tokenizer->piece(token, /*special=*/true);
      out += fmt::format("{:>7}  {}\n", token, quote(piece, piece.size()));
    }
  }
  std::cout << out;
  return {};
}

}  // namespace

void add_tokenize(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<TokenizeOptions>();
  CLI::App* command = app.add_subcommand("tokenize", "Show the tokens of a text from standard input");
  command->add_option("-m,--model", options->model, "The GGUF file whose vocabulary to use")->required();
  command->add_flag("--ids", options->ids, "Print the ids only, as a JSON array");
  command->add_flag("--add-special", options->add_special, "Add BOS and EOS where the model wants them");
  command->add_flag("--no-parse-special", options->no_parse_special,
                    "Take the texts of control tokens for plain text");
  command->callback([options, &chosen] { chosen = [options] { return tokenize(*options); }; });
}

}  // namespace halcyon::cli

#include "engine/chat.h"

namespace halcyon::engine {
namespace {

constexpr std::string_view kChatMl =
    "{% for message in messages %}{{ '<|im_start|>' + message.role + '\n' + message.content + "
    "'<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

std::string text_of(const tokenizer::Tokenizer& tokenizer, std::optional<int32_t> token) {
  const std::string* text = token ? tokenizer.text(*token) : nullptr;
  return text ? *text : "";
}

}  // namespace

Result<ChatTemplate> ChatTemplate::load(const tokenizer::Tokenizer& tokenizer) {
  const std::string* source = tokenizer.chat_template();
  Result<jinja::Template> parsed = jinja::Template::parse(source ? std::string_view(*source) : kChatMl);
  if (!parsed) return std::unexpected(std::move(parsed.error()).in("the model's chat template"));
  return ChatTemplate(std::move(*parsed), text_of(tokenizer, tokenizer.bos()),
                      text_of(tokenizer, tokenizer.eos()));
}

Result<std::string> ChatTemplate::render(const nlohmann::ordered_json& messages,
                                         const nlohmann::ordered_json& more) const {
  nlohmann::ordered_json context = {
      {"messages", messages}, {"bos_token", bos_}, {"eos_token", eos_}, {"add_generation_prompt", true}};
  context.update(more);
  Result<std::string> text = template_.render(context);
  if (!text) return std::unexpected(std::move(text.error()).in("the model's chat template"));
  return text;
}

Result<std::vector<int32_t>> encode_prompt(const tokenizer::Tokenizer& tokenizer, std::string_view text) {
  TRY(std::vector<int32_t> tokens, tokenizer.encode(text, false, true));
  const std::optional<int32_t> bos = tokenizer.add_bos() ? tokenizer.bos() : std::nullopt;
  if (bos && (tokens.empty() || tokens.front() != *bos)) tokens.insert(tokens.begin(), *bos);
  return tokens;
}

}  // namespace halcyon::engine

#include "serve/llama_prompt.h"

#include <algorithm>

#include "engine/chat.h"

namespace halcyon::serve {
namespace {

bool is_token(const Json& value) {
  return value.is_number_integer() && value >= 0 && value <= std::numeric_limits<tokenizer::Token>::max();
}

bool is_string(const Json& value) { return value.is_string(); }

/// One prompt, and no list of some.
bool is_prompt(const Json& value) {
  if (value.is_string()) return true;
  return value.is_array() && !value.empty() && !std::ranges::all_of(value, is_string) &&
         std::ranges::all_of(value, [](const Json& part) { return part.is_string() || is_token(part); });
}

}  // namespace

Prompts read_prompts(Fields& fields, std::string_view name, size_t most) {
  const Json* value = fields.find(name);
  if (!value) {
    fields.reject(name, "is missing");
    return {};
  }
  if (is_prompt(*value)) return {.each = {*value}, .is_list = false};
  if (!value->is_array() || value->empty() || !std::ranges::all_of(*value, is_prompt)) {
    fields.reject(name, "has to be a string, a list of token ids, or a list of such");
    return {};
  }
  if (value->size() > most) {
    fields.reject(name, "has {} entries; at most {} are possible in one request", value->size(), most);
    return {};
  }
  return {.each = {value->begin(), value->end()}, .is_list = true};
}

Result<std::vector<tokenizer::Token>> encode(const tokenizer::Tokenizer& tokenizer, const Json& prompt) {
  if (prompt.is_string()) return engine::encode_prompt(tokenizer, prompt.get_ref<const std::string&>());
  std::vector<tokenizer::Token> tokens;
  for (const Json& part : prompt) {
    if (part.is_number()) {
      tokens.push_back(part.get<tokenizer::Token>());
      continue;
    }
    const auto& text = part.get_ref<const std::string&>();
    TRY(const std::vector<tokenizer::Token> more,
        tokens.empty() ? engine::encode_prompt(tokenizer, text) : tokenizer.encode(text, false, true));
    tokens.insert(tokens.end(), more.begin(), more.end());
  }
  return tokens;
}

}  // namespace halcyon::serve

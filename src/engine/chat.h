// From a conversation to the text that the model was trained to continue.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "template/template.h"
#include "tokenizer/tokenizer.h"

namespace halcyon::engine {

class ChatTemplate {
 public:
  /// The template of the model's file, or ChatML if it has none.
  static Result<ChatTemplate> load(const tokenizer::Tokenizer& tokenizer);

  /// The conversation as text, up to where the assistant's answer begins. `messages` is an array of {"role":
  /// …, "content": …}; the template sees the members of `more` as well. Fails where the template refuses it,
  /// with the template's line and reason.
  Result<std::string> render(const nlohmann::ordered_json& messages,
                             const nlohmann::ordered_json& more = nlohmann::ordered_json::object()) const;

 private:
  ChatTemplate(jinja::Template source, std::string bos, std::string eos)
      : template_(std::move(source)), bos_(std::move(bos)), eos_(std::move(eos)) {}

  jinja::Template template_;
  std::string bos_, eos_;
};

/// The tokens of a rendered conversation: control tokens are seen, and BOS is in front once if the model
/// wants it, whether or not the template wrote it.
Result<std::vector<int32_t>> encode_prompt(const tokenizer::Tokenizer& tokenizer, std::string_view text);

}  // namespace halcyon::engine

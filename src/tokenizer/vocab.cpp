#include "tokenizer/vocab.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "base/log.h"

namespace halcyon::tokenizer {
namespace {

using namespace std::string_view_literals;

struct IdKey {
  std::string_view name;
  std::optional<Token> SpecialTokens::*role;
};

// Of keys for the same role the first that is there counts.
constexpr IdKey kIdKeys[] = {
    {"bos_token_id", &SpecialTokens::bos},         {"eos_token_id", &SpecialTokens::eos},
    {"eot_token_id", &SpecialTokens::eot},         {"eom_token_id", &SpecialTokens::eom},
    {"unknown_token_id", &SpecialTokens::unk},     {"seperator_token_id", &SpecialTokens::sep},
    {"padding_token_id", &SpecialTokens::pad},     {"mask_token_id", &SpecialTokens::mask},
    {"fim_pre_token_id", &SpecialTokens::fim_pre}, {"fim_suf_token_id", &SpecialTokens::fim_suf},
    {"fim_mid_token_id", &SpecialTokens::fim_mid}, {"fim_pad_token_id", &SpecialTokens::fim_pad},
    {"fim_rep_token_id", &SpecialTokens::fim_rep}, {"fim_sep_token_id", &SpecialTokens::fim_sep},
    {"prefix_token_id", &SpecialTokens::fim_pre},  {"suffix_token_id", &SpecialTokens::fim_suf},
    {"middle_token_id", &SpecialTokens::fim_mid},
};

struct RoleTexts {
  std::optional<Token> SpecialTokens::*role;
  std::vector<std::string_view> texts;  ///< preferred first
};

const std::vector<RoleTexts>& role_texts() {
  static const std::vector<RoleTexts> table = {
      // The last two also separate documents, where a vocabulary has one of the others to end a turn.
      {&SpecialTokens::eot,
       {"<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<EOT>", "_<EOT>", "[EOT]",
        "<｜end▁of▁sentence｜>", "<end_of_utterance>", "<|endoftext|>", "<|end_of_text|>"}},
      {&SpecialTokens::eom, {"<|eom_id|>"}},
      {&SpecialTokens::fim_pre,
       {"<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", "<｜fim▁begin｜>", "<PRE>", "▁<PRE>",
        "<|code_prefix|>", "<|prefix|>"}},
      {&SpecialTokens::fim_suf,
       {"<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>", "<｜fim▁hole｜>", "<SUF>", "▁<SUF>",
        "<|code_suffix|>", "<|suffix|>"}},
      {&SpecialTokens::fim_mid,
       {"<|fim_middle|>", "<fim-middle>", "<fim_middle>", "<｜fim▁end｜>", "<MID>", "▁<MID>",
        "<|code_middle|>", "<|middle|>"}},
      {&SpecialTokens::fim_pad, {"<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"}},
      {&SpecialTokens::fim_rep, {"<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"}},
      {&SpecialTokens::fim_sep, {"<|file_sep|>"}},
  };
  return table;
}

constexpr std::string_view kEndOfGeneration[] = {
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|flush|>",
    "<|calls|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "</s>",
    "<|eom_id|>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
    "<|end_of_text|>",
    "<eos>",
    "<end_of_utterance>",
    "<turn|>",
    "<|tool_response>",
    "<｜end▁of▁sentence｜>",
};

}  // namespace

Result<Vocab> Vocab::load(const gguf::Metadata& metadata, const Style& style) {
  Vocab vocab;
  CHECK_OK(vocab.read_tokens(metadata));
  CHECK_OK(vocab.read_ids(metadata, style));
  vocab.find_roles_by_text();
  vocab.find_end_of_generation();
  return vocab;
}

Result<void> Vocab::read_tokens(const gguf::Metadata& metadata) {
  TRY(const auto* texts, metadata.strings("tokenizer.ggml.tokens"));
  if (!texts || texts->empty()) return fail("tokenizer.ggml.tokens is missing: the file has no vocabulary");
  if (texts->size() > INT32_MAX) return fail("tokenizer.ggml.tokens has {} tokens", texts->size());
  const size_t n = texts->size();
  texts_ = *texts;

  TRY(const auto* scores, metadata.floats("tokenizer.ggml.scores"));
  if (scores && scores->size() < n)
    return fail("tokenizer.ggml.scores has {} elements for {} tokens", scores->size(), n);
  if (scores) {
    scores_.resize(n);
    for (size_t i = 0; i < n; i++) {
      scores_[i] = static_cast<float>((*scores)[i]);
      if (std::isnan(scores_[i])) return fail("tokenizer.ggml.scores[{}] is not a number", i);
    }
  }

  TRY(const auto* types, metadata.integers("tokenizer.ggml.token_type"));
  if (types && types->size() < n)
    return fail("tokenizer.ggml.token_type has {} elements for {} tokens", types->size(), n);
  types_.assign(n, TokenType::normal);
  for (size_t i = 0; types && i < n; i++) {
    const int64_t type = (*types)[i];
    types_[i] = type >= 0 && type <= 6 ? static_cast<TokenType>(type) : TokenType::undefined;
  }

  ids_ = TextIndex(n);
  for (size_t i = 0; i < n; i++) {
    if (texts_[i].empty()) texts_[i] = fmt::format("[EMPTY_{}]", i);
    longest_text_ = std::max(longest_text_, texts_[i].size());
    if (const auto other = ids_.add(texts_, static_cast<Token>(i)))
      return fail("tokenizer.ggml.tokens[{}] has the same text as token {}", i, *other);
  }
  eog_.assign(n, false);
  return {};
}

Result<void> Vocab::read_ids(const gguf::Metadata& metadata, const Style& style) {
  const auto in_range = [&](Token id) { return contains(id) ? std::optional(id) : std::nullopt; };
  special_.bos = in_range(style.bos);
  special_.eos = in_range(style.eos);
  special_.unk = in_range(style.unk);

  SpecialTokens named;
  for (const auto& [name, role] : kIdKeys) {
    const std::string key = fmt::format("tokenizer.ggml.{}", name);
    const gguf::Value* value = metadata.find(key);
    if (!value || (named.*role)) continue;
    const auto* id = std::get_if<int64_t>(&value->data);
    if (!id) return fail("{} is of type {}, not an integer", key, gguf::name_of(value->type));
    if (*id < 0 || *id >= size()) {
      spdlog::warn("{} = {} is ignored: the vocabulary has {} tokens", key, *id, size());
      continue;
    }
    named.*role = special_.*role = static_cast<Token>(*id);
  }
  return {};
}

void Vocab::make_control(Token token) {
  TokenType& type = types_[static_cast<size_t>(token)];
  if (type == TokenType::control) return;
  spdlog::debug("token {} {} has a role and is taken for a control token", token, text(token));
  type = TokenType::control;
}

void Vocab::find_roles_by_text() {
  for (const auto& [role, texts] : role_texts()) {
    if (special_.*role) continue;
    for (const std::string_view text : texts) {
      const std::optional<Token> token = find(text);
      if (!token) continue;
      special_.*role = token;
      make_control(*token);
      break;
    }
  }
}

void Vocab::find_end_of_generation() {
  const auto set = [&](std::optional<Token> token, bool is_end) {
    if (token) eog_[static_cast<size_t>(*token)] = is_end;
  };
  const auto retype = [&](Token token, TokenType type) { types_[static_cast<size_t>(token)] = type; };

  for (const std::string_view text : kEndOfGeneration) {
    const std::optional<Token> token = find(text);
    if (!token) continue;
    set(token, true);
    make_control(*token);
  }
  for (const auto role : {&SpecialTokens::eos, &SpecialTokens::eot, &SpecialTokens::eom,
                          &SpecialTokens::fim_pad, &SpecialTokens::fim_rep, &SpecialTokens::fim_sep})
    set(special_.*role, true);

  // gpt-oss and its like: the channel markers are part of a message, and <|end|> ends a message but not the
  // turn.
  for (const std::string_view text : {"<|channel|>"sv, "<|message|>"sv, "<|start|>"sv, "<|constrain|>"sv})
    if (const auto token = find(text)) retype(*token, TokenType::user_defined);
  const bool harmony = (find("<|return|>") && find("<|call|>")) || (find("<|calls|>") && find("<|flush|>"));
  if (const auto end = find("<|end|>"); end && harmony) {
    set(end, false);
    retype(*end, TokenType::user_defined);
  }
  // gemma 4: </s> is an HTML tag there.
  if (const auto tag = find("</s>"); tag && find("<|tool_response>")) {
    set(tag, false);
    retype(*tag, TokenType::normal);
  }
}

std::optional<Token> Vocab::byte_token(uint8_t byte) const {
  if (const auto token = find(fmt::format("<0x{:02X}>", byte))) return token;
  const char text = static_cast<char>(byte);
  return find({&text, 1});
}

}  // namespace halcyon::tokenizer

#include "tokenizer/tokenizer.h"

#include "base/log.h"
#include "tokenizer/bpe.h"
#include "tokenizer/detokenizer.h"
#include "tokenizer/pretokenizer.h"
#include "tokenizer/special.h"
#include "tokenizer/spm.h"
#include "tokenizer/utf8.h"

namespace halcyon::tokenizer {
namespace {

constexpr std::string_view kSpaceMark = "\u2581";
constexpr std::string_view kTemplateKey = "tokenizer.chat_template";

std::string mark_spaces(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 4);
  for (const char c : text) {
    if (c == ' ') {
      out += kSpaceMark;
    } else {
      out += c;
    }
  }
  return out;
}

/// The text as llama.cpp's BPE decodes it: UTF-8, but that surrogates stay.
std::string decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const auto [code_point, length] = utf8::decode(text, at);
    utf8::append(out, code_point);
    at += length;
  }
  return out;
}

}  // namespace

struct Tokenizer::Parts {
  Style style;
  Vocab vocab;
  SpecialCutter cutter;
  std::map<std::string, std::string, std::less<>> templates;  ///< by name; the main one is ""
  std::optional<Spm> spm;
  PreTokenizer pretokenizer;
  std::optional<Bpe> bpe;

  Parts(Style s, Vocab v, std::string_view model_name)
      : style(std::move(s)), vocab(std::move(v)), cutter(vocab, style, model_name) {}

  Result<void> encode_bpe(std::string_view text, std::vector<Token>& out) const;
};

Tokenizer::Tokenizer(std::unique_ptr<const Parts> parts) : parts_(std::move(parts)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Result<Tokenizer> Tokenizer::load(const gguf::Metadata& metadata) {
  TRY(const std::string model, metadata.string("tokenizer.ggml.model"));
  TRY(const std::string pre, metadata.string_or("tokenizer.ggml.pre", "default"));
  TRY(const std::string name, metadata.string_or("general.name", ""));
  TRY(Style style, find_style(model, pre));
  TRY(style.add_bos, metadata.boolean_or("tokenizer.ggml.add_bos_token", style.add_bos));
  TRY(style.add_eos, metadata.boolean_or("tokenizer.ggml.add_eos_token", style.add_eos));
  TRY(style.add_space_prefix, metadata.boolean_or("tokenizer.ggml.add_space_prefix", style.add_space_prefix));
  TRY(Vocab vocab, Vocab::load(metadata, style));

  auto parts = std::make_unique<Parts>(std::move(style), std::move(vocab), name);
  if (parts->style.spelling == Spelling::spm) {
    parts->spm.emplace(parts->vocab);
  } else {
    TRY(const auto* merges, metadata.strings("tokenizer.ggml.merges"));
    if (!merges && parts->style.needs_merges)
      return fail("tokenizer.ggml.merges is missing: a \"{}\" vocabulary cannot be used without", model);
    TRY(parts->pretokenizer, PreTokenizer::compile(parts->style.splits));
    parts->bpe.emplace(parts->vocab, parts->style,
                       merges ? std::span(*merges) : std::span<const std::string>());
  }
  if (parts->style.add_bos && !parts->vocab.special().bos)
    spdlog::warn("the vocabulary asks for a BOS token but has none: nothing is added");

  for (const auto& [key, value] : metadata.entries()) {
    const auto* text = std::get_if<std::string>(&value.data);
    if (!text || !key.starts_with(kTemplateKey)) continue;
    const std::string_view rest = std::string_view(key).substr(kTemplateKey.size());
    if (rest.empty() || rest.starts_with('.'))
      parts->templates.emplace(rest.substr(rest.empty() ? 0 : 1), *text);
  }
  return Tokenizer(std::move(parts));
}

Result<std::vector<Token>> Tokenizer::encode(std::string_view text, bool add_special,
                                             bool parse_special) const {
  const Style& style = parts_->style;
  if (text.size() > kMaxText)
    return fail("a text of {} bytes is too long: at most {} can be tokenized at once", text.size(), kMaxText);
  std::vector<Token> out;
  if (add_special && style.add_bos && bos()) out.push_back(*bos());
  bool after_special = true;
  for (const Fragment& fragment : parts_->cutter.cut(text, parse_special)) {
    if (fragment.token) {
      out.push_back(*fragment.token);
    } else if (parts_->spm) {
      const bool prefix = style.add_space_prefix && after_special;
      parts_->spm->encode(mark_spaces(prefix ? " " + std::string(fragment.text) : fragment.text), out);
    } else {
      CHECK_OK(parts_->encode_bpe(fragment.text, out));
    }
    after_special = fragment.token.has_value();
  }
  if (add_special && style.add_eos && eos()) out.push_back(*eos());
  return out;
}

Result<void> Tokenizer::Parts::encode_bpe(std::string_view raw, std::vector<Token>& out) const {
  const std::string text = style.spelling == Spelling::raw_bpe ? decoded(mark_spaces(raw)) : decoded(raw);
  TRY(const std::vector<size_t> ends, pretokenizer.split(text));
  Bpe::Scratch scratch;
  size_t begin = 0;
  for (const size_t end : ends) {
    bpe->encode(std::string_view(text).substr(begin, end - begin), scratch, out);
    begin = end;
  }
  return {};
}

std::string Tokenizer::piece(Token token, bool special) const {
  if (!parts_->vocab.contains(token)) return "";
  return piece_of(parts_->vocab, parts_->style.spelling, token, special);
}

std::string Tokenizer::decode(std::span<const Token> tokens, DecodeOptions options) const {
  const Style& style = parts_->style;
  bool strip_space = style.add_space_prefix;
  if (options.remove_special && style.add_bos && bos() && !tokens.empty() && tokens.front() == *bos()) {
    tokens = tokens.subspan(1);
    strip_space = false;
  }
  if (options.remove_special && style.add_eos && eos() && !tokens.empty() && tokens.back() == *eos())
    tokens = tokens.first(tokens.size() - 1);

  std::string out;
  for (size_t i = 0; i < tokens.size(); i++) {
    const std::string bytes = piece(tokens[i], options.special);
    out.append(bytes, i == 0 && strip_space && bytes.starts_with(' ') ? 1 : 0);
  }
  return style.clean_spaces ? clean_spaces(out) : out;
}

int Tokenizer::n_vocab() const { return parts_->vocab.size(); }

const std::string* Tokenizer::text(Token token) const {
  return parts_->vocab.contains(token) ? &parts_->vocab.text(token) : nullptr;
}

std::optional<Token> Tokenizer::find(std::string_view text) const { return parts_->vocab.find(text); }

TokenType Tokenizer::type(Token token) const {
  return parts_->vocab.contains(token) ? parts_->vocab.type(token) : TokenType::undefined;
}

std::vector<Token> Tokenizer::eog_tokens() const {
  std::vector<Token> tokens;
  for (Token token = 0; token < n_vocab(); ++token)
    if (is_eog(token)) tokens.push_back(token);
  return tokens;
}

bool Tokenizer::is_eog(Token token) const {
  return parts_->vocab.contains(token) && parts_->vocab.is_eog(token);
}

bool Tokenizer::add_bos() const { return parts_->style.add_bos; }

bool Tokenizer::add_eos() const { return parts_->style.add_eos; }

const SpecialTokens& Tokenizer::special() const { return parts_->vocab.special(); }

const std::string* Tokenizer::chat_template(std::string_view name) const {
  const auto found = parts_->templates.find(name);
  return found == parts_->templates.end() ? nullptr : &found->second;
}

std::string StreamDecoder::push(Token token) {
  pending_ += tokenizer_->piece(token, special_);
  std::string out;
  size_t at = 0;
  while (at < pending_.size()) {
    const utf8::Wellformed next = utf8::examine(pending_, at);
    if (next.kind == utf8::Wellformed::incomplete) break;
    if (next.kind == utf8::Wellformed::character) {
      out.append(pending_, at, next.length);
    } else {
      utf8::append(out, utf8::kReplacement);
    }
    at += next.length;
  }
  pending_.erase(0, at);
  return out;
}

std::string StreamDecoder::finish() {
  std::string out;
  if (!pending_.empty()) utf8::append(out, utf8::kReplacement);
  pending_.clear();
  return out;
}

}  // namespace halcyon::tokenizer

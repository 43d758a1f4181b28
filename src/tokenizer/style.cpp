#include "tokenizer/style.h"

#include <algorithm>
#include <initializer_list>

#include "base/quote.h"

namespace halcyon::tokenizer {
namespace {

// The patterns are llama.cpp's, which GGUF vocabularies are used with, and its departures from the models'
// own patterns are kept: ids have to agree with what served the model elsewhere. Where it matches a class on
// a collapsed text, the class here is written out as what that comes to (no non-ASCII white space in explicit
// ranges; `~` no symbol for deepseek-v3 and afmoe; for gpt-4o every non-ASCII letter counts as both upper and
// lower case).
//
// A search must not scan far and then fail from every position of a long run, or time grows with its square.

using std::string;

const string kContraction = R"((?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]))";
const string kSpaces = R"(\s*[\r\n]+|\s+(?!\S)|\s+)";
const string kSpacesOneNewline = R"(\s*[\r\n]|\s+(?!\S)|\s+)";
const string kWord = R"(|[^\r\n\p{L}\p{N}]?\p{L}+)";
const string kPunctuation = R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|)";
const string kPunctuationSlash = R"(| ?[^\s\p{L}\p{N}]+[\r\n/]*|)";

const string kGpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
const string kLlama3 = kContraction + kWord + R"(|\p{N}{1,3})" + kPunctuation + kSpaces;
const string kQwen2 = kContraction + kWord + R"(|\p{N})" + kPunctuation + kSpaces;
const string kQwen35 =
    kContraction + R"(|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|)" + kSpaces;
const string kBailing = kContraction + kWord + R"(|\p{N})" + kPunctuation + kSpacesOneNewline;
const string kSeedCoder = kContraction + kWord + R"(|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|)" + kSpaces;

// Model: [^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+, the same language without nested repeats.
const string kExaoneMoe = kContraction + R"(|[^\r\n\p{L}\p{N}]?\p{L}(?:[\p{L}\p{M}]+| \p{L})*+|\p{N})" +
                          R"(| ?[^\s\p{L}\p{N}]+[\r\n/]?|)" + kSpacesOneNewline;

// The look-behind changes no match: behind a space that is no newline, a match ended because no newline
// follows in the run. Without it, every one of the short matches that a long run is cut into would look for
// one again.
const string kJais2 = kContraction + kWord + R"(|\p{N}{1,3})" + kPunctuation +
                      R"((?<![^\S\r\n])\s*[\r\n]+|\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|)"
                      R"(\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s)";

const string kUpper = R"([^\P{L}a-z])", kLower = R"([^\P{L}A-Z])";
const string kGpt4o = R"([^\r\n\p{L}\p{N}]?)" + kUpper + "*" + kLower + "+" + kContraction + "?" +  //
                      R"(|[^\r\n\p{L}\p{N}]?)" + kUpper + "+" + kLower + "*" + kContraction + "?" +
                      R"(|\p{N}{1,3})" + kPunctuationSlash + kSpaces;
const string kTekken = R"([^\r\n\p{L}\p{N}]?)" + kUpper + "*" + kLower + "+" +  //
                       R"(|[^\r\n\p{L}\p{N}]?)" + kUpper + "+" + kLower + "*" + R"(|\p{N})" +
                       kPunctuationSlash + kSpaces;

const string kMarkedWord = R"([^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+)" + kContraction + "?";
const string kTinyAya = kMarkedWord + R"(|\p{N}{1,3})" + kPunctuationSlash + kSpaces;
const string kYoutu = kMarkedWord + R"(|\p{N})" + kPunctuationSlash + kSpaces;

const string kHanRanges = R"(\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{20000}-\x{2A6DF}\x{2A700}-\x{2EBEF})";
const string kKimiK2 = "[" + kHanRanges + "]+" + R"(|[^\r\n\p{L}\p{N}]?[^\P{L})" + kHanRanges + "]+" +
                       kContraction + R"(?|\p{N}{1,3})" + kPunctuation + kSpaces;

const string kNewlines = R"([\r\n])";
const string kNumber = R"(\p{N})";
const string kNumbers = R"(\p{N}+)";
const string kNumbersUpTo3 = R"(\p{N}{1,3})";
const string kThreeDigits = R"([0-9][0-9][0-9])";
const string kFalconPunctuation = R"([\p{P}\$\+<=>\^~\|`]+)";
const string kHanKana = R"([\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)";

// P and S without `~` is what is left of all categories.
const string kDeepseekV3 = R"re([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+)re"
                           R"re(|(?:~|[^\r\n\p{L}\p{P}\p{S}])?[\p{L}\p{M}]+)re"
                           R"re(| ?[^\p{L}\p{M}\p{N}\p{Z}\p{C}~]+[\r\n]*|)re" +
                           kSpaces;

// U+4E00-9FA5, 0800-4E00, AC00-D7FF without the white space in them.
const string kDeepseekCjk = R"([\x{800}-\x{167F}\x{1681}-\x{1FFF}\x{200B}-\x{2027}\x{202A}-\x{202E})"
                            R"(\x{2030}-\x{205E}\x{2060}-\x{2FFF}\x{3001}-\x{9FA5}\x{AC00}-\x{D7FF}]+)";
const string kDeepseekPunctuation = R"(\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F})"
                                    R"(\x{3001}-\x{3002}]+)";
const string kDeepseekLetters =
    R"(\s?[)"
    R"(\x{41}-\x{5A}\x{61}-\x{7A}\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF})"
    R"(\x{1C4}-\x{293}\x{295}-\x{2AF}\x{370}-\x{373}\x{376}-\x{377}\x{37B}-\x{37D}\x{37F}\x{386})"
    R"(\x{388}-\x{38A}\x{38C}\x{38E}-\x{3A1}\x{3A3}-\x{3F5}\x{3F7}-\x{481}\x{48A}-\x{52F})"
    R"(\x{531}-\x{556}\x{10A0}-\x{10C5}\x{13A0}-\x{13F5}\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA})"
    R"(\x{1CBD}-\x{1CBF}\x{1D00}-\x{1D2B}\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A}\x{1E00}-\x{1F15})"
    R"(\x{1F18}-\x{1F1D}\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D}\x{1F50}-\x{1F57}\x{1F59}\x{1F5B}\x{1F5D})"
    R"(\x{1F5F}-\x{1F7D}\x{1F80}-\x{1FB4}\x{1FB6}-\x{1FBC}\x{1FBE}\x{1FC2}-\x{1FC4})"
    R"(\x{1FC6}-\x{1FCC}\x{1FD0}-\x{1FD3}\x{1FD6}-\x{1FDB}\x{1FE0}-\x{1FEC}\x{1FF2}-\x{1FF4})"
    R"(\x{1FF6}-\x{1FFC}\x{2102}\x{2107}\x{210A}-\x{2113}\x{2115}\x{2119}-\x{211D}\x{2124}\x{2126})"
    R"(\x{2128}\x{212A}-\x{212D}\x{212F}-\x{2134}\x{2139}\x{213C}-\x{213F}\x{2145}-\x{2149}\x{214E})"
    R"(\x{2183}-\x{2184}\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4}\x{2CEB}-\x{2CEE}\x{2CF2}-\x{2CF3})"
    R"(\x{A640}-\x{A66D}\x{A680}-\x{A69B}\x{A722}-\x{A76F}\x{A771}-\x{A787}\x{A78B}-\x{A78E})"
    R"(\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06}\x{FB13}-\x{FB17}\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A})"
    R"(\x{10400}-\x{1044F}\x{104B0}-\x{104D3}\x{104D8}-\x{104FB}\x{10C80}-\x{10CB2})"
    R"(\x{10CC0}-\x{10CF2}\x{118A0}-\x{118DF}\x{1E900}-\x{1E943})"
    R"(]+)";
// Only the run at the end of the piece can match, so only where a run begins is worth a try.
const string kTrailingSpaces = R"((?<!\s)\s+$)";

const string kAfmoeScripts =
    R"([\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{8C48}-\x{FAFF}\x{3040}-\x{309F}\x{30A0}-\x{30FF}\x{FF65}-\x{FF9F})"
    R"(\x{2F00}-\x{2FDF}\x{E40}-\x{E7F}\x{E80}-\x{EFF}\x{1780}-\x{17FF}\x{1000}-\x{109F}\x{AA60}-\x{AA7F})"
    R"(\x{A9E0}-\x{A9FF}\x{AC00}-\x{D7AF}\x{1100}-\x{11FF}]+)";

const string kBloom = R"( ?[^(\s|.,!?\x{2026}\x{3002}\x{FF0C}\x{3001}\x{964}\x{6D4}\x{60C})]+)";

const std::vector<Split> kGemma4 = {{.pattern = R"([^\n]+|\n+)"}};

/// What sets a row of the table apart from a plain BPE vocabulary.
enum Trait : unsigned {
  clean = 1,       ///< clean_spaces
  whole = 2,       ///< ignore_merges
  bos = 4,         ///< add_bos
  no_bos = 8,      ///< no default BOS id
  mask = 16,       ///< strips_around_mask
  no_merges = 32,  ///< merges may be missing
  raw = 64,        ///< Spelling::raw_bpe
};

struct Row {
  std::vector<std::string_view> names;
  std::vector<Split> splits;
  unsigned traits = 0;
};

std::vector<Split> regexes(std::initializer_list<string> patterns) {
  std::vector<Split> splits;
  for (const string& pattern : patterns) splits.push_back({.pattern = pattern});
  return splits;
}

std::vector<Split> digit_groups_then(std::initializer_list<string> patterns) {
  std::vector<Split> splits = regexes(patterns);
  splits.insert(splits.begin(), {.by = Split::By::digit_groups, .pattern = ""});
  return splits;
}

const std::vector<Row>& rows() {
  static const std::vector<Row> table = {
      {{"default"}, regexes({kFalconPunctuation, kGpt2, kNumbers, kThreeDigits}), clean},
      {{"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2",
        "jina-v5-nano"},
       regexes({kLlama3}),
       clean | whole | bos},
      {{"dbrx", "smaug-bpe"}, regexes({kLlama3}), clean},
      {{"chatglm-bpe", "glm4"}, regexes({kLlama3}), clean | no_bos},
      {{"qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "hunyuan", "solar-open", "grok-2"},
       regexes({kQwen2})},
      {{"stablelm2", "megrez"}, regexes({kQwen2}), clean},
      {{"qwen35"}, regexes({kQwen35})},
      {{"gpt-2", "phi-2", "jina-es", "jina-de", "gigachat", "a.x-4.0", "mellum", "modern-bert", "exaone4",
        "mpt", "olmo", "jais", "roberta-bpe", "jina-v1-en"},
       regexes({kGpt2}),
       clean},
      {{"jina-v2-es", "jina-v2-de", "jina-v2-code"}, regexes({kGpt2}), clean | mask},
      {{"trillion", "granite-docling"}, regexes({kGpt2})},
      {{"starcoder", "refact", "codeshell", "exaone", "minerva-7b"}, regexes({kNumber, kGpt2}), clean},
      {{"command-r", "smollm"}, regexes({kNumber, kGpt2})},
      {{"falcon"}, regexes({kFalconPunctuation, kGpt2, kThreeDigits}), clean},
      {{"deepseek-llm"},
       regexes({kNewlines, kDeepseekLetters, kDeepseekPunctuation, kTrailingSpaces, kDeepseekCjk, kNumbers})},
      {{"deepseek-coder"}, regexes({kNewlines, R"(\s?\p{L}+)", R"(\s?\p{P}+)", kDeepseekCjk, kNumber})},
      {{"deepseek-v3", "step35", "hunyuan-dense", "joyai-llm"},
       regexes({kNumbersUpTo3, kHanKana, kDeepseekV3})},
      {{"gpt-4o", "llama4", "kanana2", "minimax-m2"}, regexes({kGpt4o})},
      {{"tekken"}, regexes({kTekken}), whole | bos},
      {{"kimi-k2"}, regexes({kKimiK2}), no_merges},
      {{"bailingmoe", "bailingmoe2", "llada-moe"}, regexes({kBailing})},
      {{"seed-coder"}, regexes({kSeedCoder})},
      {{"exaone-moe"}, regexes({kExaoneMoe}), clean},
      {{"jais-2"}, regexes({kJais2}), clean},
      {{"tiny_aya"}, digit_groups_then({kTinyAya})},
      {{"youtu"},
       regexes({R"([\x{AC00}-\x{D7A3}\x{3131}-\x{318E}]+)"
                R"(|[\x{FF01}\x{2026}\x{201C}\x{201D}\x{2018}\x{2019}\x{2014}\x{FF1A}\x{FF1B}\x{FF0C})"
                R"(\x{3001}-\x{303F}\x{FE30}-\x{FE4F}]+|[\x{3105}-\x{312F}]+|)" +
                    kHanKana,
                kYoutu}),
       whole},
      {{"afmoe"}, digit_groups_then({kAfmoeScripts, kDeepseekV3})},
      {{"superbpe"}, {{.pattern = kNumbers}, {.by = Split::By::thousands, .pattern = ""}}},
      {{"bloom", "gpt3-finnish"}, regexes({kBloom}), clean},
      {{"poro-chat"}, regexes({kBloom})},
      {{"viking"}, regexes({kBloom, kNumber})},
      {{"chameleon"},
       regexes({"<sentinel:[0-9]+>", "IMGIMG[A-I]{1,4}Z", R"([\t\n]|    |  )", kNumber,
                R"([\p{P}!-/:-@\[-`{-~])", kGpt2}),
       bos},
      {{"sarvam-moe"}, kGemma4, raw},
  };
  return table;
}

Style style_of(const Row& row) {
  const auto has = [&](Trait trait) { return (row.traits & trait) != 0; };
  Style style;
  style.spelling = has(raw) ? Spelling::raw_bpe : Spelling::bpe;
  style.splits = row.splits;
  style.clean_spaces = has(clean);
  style.ignore_merges = has(whole);
  style.needs_merges = !has(no_merges);
  style.strips_around_mask = has(mask);
  style.add_bos = has(bos);
  style.bos = has(no_bos) ? -1 : 11;  // <|endoftext|> of the Falcon vocabulary, which came first
  style.eos = 11;
  return style;
}

Style spm_style() {
  Style style;
  style.spelling = Spelling::spm;
  style.add_bos = style.add_space_prefix = true;
  style.bos = 1;
  style.eos = 2;
  style.unk = 0;
  return style;
}

Style gemma4_style() {
  Style style;
  style.spelling = Spelling::raw_bpe;
  style.splits = kGemma4;
  style.clean_spaces = style.whole_newline_runs = style.add_bos = true;
  return style;
}

}  // namespace

Result<Style> find_style(std::string_view model, std::string_view pre) {
  if (model == "llama") return spm_style();
  if (model == "gemma4") return gemma4_style();
  if (model == "none" || model == "no_vocab")
    return fail("tokenizer.ggml.model is \"{}\": the model has no vocabulary", model);
  if (model != "gpt2")
    return fail("tokenizer.ggml.model {} is not supported: \"llama\", \"gpt2\" and \"gemma4\" are",
                quote(model));
  for (const Row& row : rows())
    if (std::ranges::find(row.names, pre) != row.names.end()) return style_of(row);
  return fail("tokenizer.ggml.pre {} is not known: text would be cut in the wrong places", quote(pre));
}

std::vector<std::string_view> pre_names() {
  std::vector<std::string_view> names;
  for (const Row& row : rows()) names.insert(names.end(), row.names.begin(), row.names.end());
  return names;
}

}  // namespace halcyon::tokenizer

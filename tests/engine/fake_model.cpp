#include "tests/engine/fake_model.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

namespace halcyon::test {
namespace {

/// UTF-8 of a code point below 800h.
std::string utf8(uint32_t code) {
  if (code < 0x80) return {static_cast<char>(code)};
  return {static_cast<char>(0xC0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3F))};
}

/// GPT-2's printable stand-in for each byte.
std::string stand_in(int byte) {
  const auto printable = [](int b) {
    return (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || (b >= 0xAE && b <= 0xFF);
  };
  if (printable(byte)) return utf8(static_cast<uint32_t>(byte));
  uint32_t code = 0x100;
  for (int b = 0; b < byte; ++b) code += printable(b) ? 0 : 1;
  return utf8(code);
}

class FakeExecutable final : public backend::Executable, public backend::SequenceMemory {
 public:
  FakeExecutable(std::shared_ptr<Script> script, const backend::CompileOptions& options)
      : script_(std::move(script)), options_(options) {}

  backend::SequenceMemory& memory() override { return *this; }
  const backend::CompileOptions& options() const override { return options_; }
  uint64_t weight_bytes() const override { return 0; }
  backend::StepWork work(std::span<const backend::Stretch>) const override { return {}; }

  bool fits(std::span<const backend::Segment> segments) const override {
    size_t n = 0;
    for (const auto& [id, past] : script_->pasts) n += past.size();
    for (const backend::Segment& segment : segments) n += segment.tokens.size();
    return n <= static_cast<size_t>(options_.n_kv);
  }

  Result<std::span<const float>> run(std::span<const backend::Segment> segments) override {
    Script& s = *script_;
    {
      std::unique_lock lock(s.mutex);
      s.waiting = s.held;
      s.changed.notify_all();
      s.changed.wait(lock, [&] { return !s.held; });
      s.waiting = false;
    }
    EXPECT_TRUE(fits(segments));
    size_t n_tokens = 0;
    std::set<backend::SeqId> seen;
    for (const backend::Segment& segment : segments) {
      EXPECT_FALSE(segment.tokens.empty());
      EXPECT_TRUE(seen.insert(segment.seq).second);
      EXPECT_TRUE(s.pasts.contains(segment.seq));
      n_tokens += segment.tokens.size();
    }
    EXPECT_LE(n_tokens, static_cast<size_t>(options_.n_batch));
    const int step = static_cast<int>(s.steps.size());
    s.steps.push_back(n_tokens);
    s.widths.push_back(segments.size());
    if (step == s.fail_at) return fail("the device is gone");
    logits_.clear();
    hidden_.clear();
    for (const backend::Segment& segment : segments) {
      std::vector<Token>& past = s.pasts[segment.seq];
      past.insert(past.end(), segment.tokens.begin(), segment.tokens.end());
      EXPECT_LE(past.size(), static_cast<size_t>(options_.n_ctx));
      s.past = past;
      if (segment.logits == backend::Segment::Logits::none) continue;
      const size_t row = logits_.size();
      logits_.resize(row + kVocab);
      logits_[row + static_cast<size_t>(s.next(past))] = 10;
      hidden_.insert(hidden_.end(),
                     {3.0f * static_cast<float>(past.size()), 4.0f * static_cast<float>(past.size())});
    }
    if (step == s.nan_at) std::ranges::fill(logits_, std::numeric_limits<float>::quiet_NaN());
    return std::span<const float>(logits_);
  }
  std::span<const float> hidden() const override { return hidden_; }

  bool has_free_sequence() const override { return std::ssize(script_->pasts) < options_.n_seq; }
  bool recurrent() const override { return script_->recurrent; }
  Result<backend::SeqId> create() override {
    EXPECT_TRUE(has_free_sequence());
    backend::SeqId id = 0;
    while (script_->pasts.contains(id)) ++id;
    script_->pasts[id];
    return id;
  }
  void release(backend::SeqId seq) override { EXPECT_EQ(script_->pasts.erase(seq), 1u); }
  int32_t length(backend::SeqId seq) const override {
    return static_cast<int32_t>(script_->pasts.at(seq).size());
  }
  Result<backend::SeqId> fork(backend::SeqId seq) override {
    TRY(const backend::SeqId child, create());
    script_->pasts[child] = script_->pasts.at(seq);
    return child;
  }
  Result<void> snapshot(backend::SeqId seq) override {
    script_->snapshots.push_back(length(seq));
    return {};
  }
  int32_t reachable(backend::SeqId seq, int32_t n_tokens) const override {
    if (!script_->recurrent || n_tokens == length(seq)) return n_tokens;
    int32_t best = 0;
    for (const int32_t at : script_->snapshots) {
      if (at <= n_tokens) best = std::max(best, at);
    }
    return best;
  }
  Result<void> truncate(backend::SeqId seq, int32_t n_tokens) override {
    std::vector<Token>& past = script_->pasts.at(seq);
    EXPECT_LE(static_cast<size_t>(n_tokens), past.size());
    past.resize(static_cast<size_t>(n_tokens));
    std::erase_if(script_->snapshots, [&](int32_t at) { return at > n_tokens; });
    return {};
  }

 private:
  std::shared_ptr<Script> script_;
  backend::CompileOptions options_;
  std::vector<float> logits_, hidden_;
};

}  // namespace

tokenizer::Tokenizer byte_tokenizer(bool add_bos, std::string chat_template) {
  std::vector<std::string> tokens;
  std::vector<int32_t> types(kVocab, 1);
  for (int b = 0; b < 256; ++b) tokens.push_back(stand_in(b));
  for (const char* control : {"<|im_end|>", "<|im_start|>", "<s>"}) {
    types[tokens.size()] = 3;
    tokens.push_back(control);
  }
  gguf::Metadata metadata;
  const auto add = [&](const char* key, gguf::Value value) {
    EXPECT_TRUE(metadata.add(std::string("tokenizer.") + key, std::move(value)));
  };
  add("ggml.model", gguf::Value::string("gpt2"));
  add("ggml.pre", gguf::Value::string("gpt-2"));
  add("ggml.tokens", gguf::Value::strings(std::move(tokens)));
  add("ggml.token_type", gguf::Value::i32s(std::move(types)));
  add("ggml.merges", gguf::Value::strings({}));
  add("ggml.bos_token_id", gguf::Value::u32(kBos));
  add("ggml.eos_token_id", gguf::Value::u32(kEnd));
  add("ggml.add_bos_token", gguf::Value::boolean(add_bos));
  if (!chat_template.empty()) add("chat_template", gguf::Value::string(std::move(chat_template)));
  Result<tokenizer::Tokenizer> tokenizer = tokenizer::Tokenizer::load(metadata);
  if (!tokenizer) throw std::runtime_error(tokenizer.error().message);
  return std::move(*tokenizer);
}

std::vector<Token> bytes(std::string_view text) {
  std::vector<Token> tokens;
  for (const char c : text) tokens.push_back(static_cast<unsigned char>(c));
  return tokens;
}

void Script::hold() {
  const std::lock_guard lock(mutex);
  held = true;
}

void Script::release() {
  {
    const std::lock_guard lock(mutex);
    held = false;
  }
  changed.notify_all();
}

void Script::await_step() {
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return waiting; });
}

std::function<Token(std::span<const Token>)> say(std::string_view prompt, std::string_view answer) {
  return [n = prompt.size(), answer = bytes(answer)](std::span<const Token> past) {
    const size_t i = past.size() - n;
    return i < answer.size() ? answer[i] : kEnd;
  };
}

std::unique_ptr<engine::Engine> fake_engine(const std::shared_ptr<Script>& script,
                                            const FakeOptions& options) {
  model::Config config;
  config.n_vocab = kVocab;
  const backend::CompileOptions compile = {.n_ctx = options.n_ctx,
                                           .n_seq = options.n_parallel * (script->recurrent ? 1 : 4),
                                           .n_kv = int64_t{options.n_ctx} * options.n_parallel,
                                           .n_batch = options.n_batch,
                                           .n_outputs = options.n_parallel,
                                           .progress = {}};
  auto engine = engine::Engine::create(byte_tokenizer(options.add_bos, options.chat_template),
                                       std::move(config), std::make_unique<FakeExecutable>(script, compile),
                                       options.n_parallel, options.ledger);
  if (!engine) throw std::runtime_error(engine.error().message);
  return std::move(*engine);
}

engine::Request request(std::string_view prompt, int32_t max_tokens) {
  engine::Request r;
  r.prompt = bytes(prompt);
  r.max_tokens = max_tokens;
  r.sampling.temperature = 0;
  return r;
}

Answer collect(engine::Generation& generation) {
  Answer answer;
  while (std::optional<engine::Event> event = generation.next()) {
    answer.text += event->text;
    answer.pieces.push_back(event->text);
    if (event->token) answer.tokens.push_back(*event->token);
    if (event->finish) answer.finish = std::move(*event->finish);
  }
  return answer;
}

}  // namespace halcyon::test

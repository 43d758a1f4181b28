#include "tests/engine/fake_model.h"

#include <gtest/gtest.h>

#include <limits>

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
  FakeExecutable(std::shared_ptr<Script> script, int32_t n_ctx, int32_t n_batch)
      : script_(std::move(script)) {
    options_.n_ctx = n_ctx;
    options_.n_batch = n_batch;
  }

  backend::SequenceMemory& memory() override { return *this; }
  const backend::CompileOptions& options() const override { return options_; }
  uint64_t weight_bytes() const override { return 0; }
  uint64_t bytes_per_token() const override { return 0; }

  Result<std::span<const float>> run(std::span<const backend::Segment> segments) override {
    Script& s = *script_;
    {
      std::unique_lock lock(s.mutex);
      s.waiting = s.held;
      s.changed.notify_all();
      s.changed.wait(lock, [&] { return !s.held; });
      s.waiting = false;
    }
    EXPECT_EQ(segments.size(), 1u);
    const backend::Segment& segment = segments.front();
    EXPECT_FALSE(segment.tokens.empty());
    EXPECT_LE(segment.tokens.size(), static_cast<size_t>(options_.n_batch));
    const int step = static_cast<int>(s.steps.size());
    s.steps.push_back(segment.tokens.size());
    if (step == s.fail_at) return fail("the device is gone");
    s.past.insert(s.past.end(), segment.tokens.begin(), segment.tokens.end());
    EXPECT_LE(s.past.size(), static_cast<size_t>(options_.n_ctx));
    if (segment.logits == backend::Segment::Logits::none) return std::span<const float>();
    logits_.assign(kVocab, 0);
    logits_[static_cast<size_t>(s.next(s.past))] = 10;
    if (step == s.nan_at) logits_.assign(kVocab, std::numeric_limits<float>::quiet_NaN());
    return std::span<const float>(logits_);
  }

  Result<backend::SeqId> create() override { return 0; }
  void release(backend::SeqId) override { script_->past.clear(); }
  int32_t length(backend::SeqId) const override { return static_cast<int32_t>(script_->past.size()); }
  Result<backend::SeqId> fork(backend::SeqId) override { return fail("one sequence only"); }
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
  Result<void> truncate(backend::SeqId, int32_t n_tokens) override {
    EXPECT_LE(static_cast<size_t>(n_tokens), script_->past.size());
    script_->past.resize(static_cast<size_t>(n_tokens));
    std::erase_if(script_->snapshots, [&](int32_t at) { return at > n_tokens; });
    return {};
  }

 private:
  std::shared_ptr<Script> script_;
  backend::CompileOptions options_;
  std::vector<float> logits_;
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

std::unique_ptr<engine::Engine> fake_engine(const std::shared_ptr<Script>& script, int32_t n_ctx,
                                            int32_t n_batch, bool add_bos, std::string chat_template) {
  model::Config config;
  config.n_vocab = kVocab;
  auto engine = engine::Engine::create(byte_tokenizer(add_bos, std::move(chat_template)), std::move(config),
                                       std::make_unique<FakeExecutable>(script, n_ctx, n_batch));
  if (!engine) throw std::runtime_error(engine.error().message);
  return std::move(*engine);
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

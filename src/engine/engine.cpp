#include "engine/engine.h"

#include <pthread.h>

#include <algorithm>
#include <new>
#include <system_error>

#include "base/signals.h"
#include "engine/job.h"
#include "engine/stopwatch.h"

namespace halcyon::engine {
namespace {

constexpr int32_t kDefaultContext = 4096;

/// Which tokens contain one of the texts that end a repetition.
std::vector<bool> find_breakers(const tokenizer::Tokenizer& tokenizer, const SamplingParams& params,
                                int32_t n_vocab) {
  if (params.dry_multiplier == 0) return {};
  std::vector<bool> breakers(static_cast<size_t>(n_vocab));
  for (Token id = 0; id < n_vocab; ++id) {
    const std::string piece = tokenizer.piece(id, true);
    breakers[static_cast<size_t>(id)] = std::ranges::any_of(
        params.dry_sequence_breakers, [&](const std::string& text) { return piece.contains(text); });
  }
  return breakers;
}

}  // namespace

Result<int32_t> choose_context(const gguf::Metadata& metadata, int32_t wanted) {
  if (wanted < 0)
    return fail("a context of {} tokens is not possible: give a number above 0, or 0 for the model's",
                wanted);
  if (wanted > 0) return wanted;
  TRY(const std::string architecture, metadata.string("general.architecture"));
  TRY(const uint32_t trained, metadata.u32_or(architecture + ".context_length", kDefaultContext));
  return static_cast<int32_t>(std::clamp<uint32_t>(trained, 1, kDefaultContext));
}

Result<std::unique_ptr<Engine>> Engine::load(const gguf::File& file, backend::Device& device,
                                             const EngineOptions& options) {
  TRY(const int32_t n_ctx, choose_context(file.metadata(), options.n_ctx));
  TRY(tokenizer::Tokenizer tokenizer, tokenizer::Tokenizer::load(file.metadata()));
  TRY(model::Model model, model::build(file, n_ctx));
  const backend::CompileOptions compile = {.n_ctx = n_ctx,
                                           .n_seq = 1,
                                           .n_batch = std::min(options.n_batch, n_ctx),
                                           .n_outputs = 1,
                                           .kv = options.kv,
                                           .progress = options.progress};
  TRY(auto executable, device.compile(std::move(model.program), compile));
  return create(std::move(tokenizer), std::move(model.config), std::move(executable));
}

Result<std::unique_ptr<Engine>> Engine::create(tokenizer::Tokenizer tokenizer, model::Config config,
                                               std::unique_ptr<backend::Executable> executable) {
  auto engine =
      std::unique_ptr<Engine>(new Engine(std::move(tokenizer), std::move(config), std::move(executable)));
  const BlockSignals block;  // signals are for the threads of the program that we are part of
  try {
    engine->thread_ = std::thread(&Engine::work, engine.get());
  } catch (const std::system_error& error) {
    return fail("the engine's thread can't be started: {}", error.what());
  }
  return engine;
}

Engine::Engine(tokenizer::Tokenizer tokenizer, model::Config config,
               std::unique_ptr<backend::Executable> executable)
    : tokenizer_(std::move(tokenizer)),
      chat_(ChatTemplate::load(tokenizer_)),
      config_(std::move(config)),
      executable_(std::move(executable)),
      sequence_(*executable_) {}

Engine::~Engine() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

Result<std::shared_ptr<Generation>> Engine::submit(Request request) {
  if (request.prompt.empty()) return fail("the prompt is empty: it has to have at least one token");
  if (request.prompt.size() > static_cast<size_t>(n_ctx()))
    return fail(
        "the prompt has {} tokens, more than the context of {}: shorten it, or load the model with a larger "
        "context",
        request.prompt.size(), n_ctx());
  for (const Token token : request.prompt) {
    if (token < 0 || token >= config_.n_vocab)
      return fail("the prompt contains token {}; the vocabulary has 0 to {}", token, config_.n_vocab - 1);
  }
  if (request.max_tokens < -1)
    return fail("max_tokens is {}; it must be -1 (no limit) or more", request.max_tokens);
  if (std::ranges::find(request.stop, "") != request.stop.end())
    return fail("a stop string is empty: it would end every text at once");
  TRY(Sampler sampler, Sampler::create(request.sampling, config_.n_vocab,
                                       find_breakers(tokenizer_, request.sampling, config_.n_vocab)));

  auto job = std::make_shared<Job>(std::move(request), std::move(sampler), tokenizer_);
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(job);
  }
  wake_.notify_one();
  return std::make_shared<Generation>(std::move(job));
}

Result<std::vector<Token>> Engine::chat_prompt(const nlohmann::ordered_json& messages) const {
  if (!chat_) return std::unexpected(chat_.error());
  TRY(const std::string text, chat_->render(messages));
  return encode_prompt(tokenizer_, text);
}

void Engine::work() {
  pthread_setname_np(pthread_self(), "engine");
  for (;;) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const std::shared_ptr<Job> job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    process(*job);
  }
}

void Engine::process(Job& job) {
  Finish finish;
  Stopwatch stopwatch;
  try {
    const Result<FinishReason> reason = generate(job, stopwatch);
    finish.reason = reason.value_or(FinishReason::error);
    if (!reason) finish.error = reason.error();
  } catch (const std::bad_alloc&) {
    finish.reason = FinishReason::error;
    finish.error = Error{"out of memory while generating"};
  }
  finish.timings = job.timings;
  const Stopwatch::Times rest = stopwatch.restart();
  if (finish.timings.predicted_n > 0) {
    finish.timings.predicted_ms = rest.wall_ms, finish.timings.predicted_cpu_ms = rest.cpu_ms;
  } else {
    finish.timings.prompt_ms = rest.wall_ms, finish.timings.prompt_cpu_ms = rest.cpu_ms;
  }
  std::string text = job.stop.push(job.decoder.finish()) + job.stop.finish();
  if (job.stop.found()) finish.stop_string = *job.stop.found();
  job.emit({.text = std::move(text), .token = {}, .finish = std::move(finish)});
}

Result<FinishReason> Engine::generate(Job& job, Stopwatch& stopwatch) {
  const Request& request = job.request;
  const std::span<const Token> prompt = request.prompt;
  Timings& timings = job.timings;
  if (interrupted(job)) return FinishReason::cancelled;

  CHECK_OK(sequence_.rewind(prompt));
  timings.cache_n = static_cast<int32_t>(sequence_.tokens().size());
  std::span<const float> logits;
  for (size_t done = sequence_.tokens().size(); done < prompt.size(); done = sequence_.tokens().size()) {
    if (interrupted(job)) return FinishReason::cancelled;
    const size_t n = std::min(prompt.size() - done, static_cast<size_t>(executable_->options().n_batch));
    TRY(logits, sequence_.evaluate(prompt.subspan(done, n), done + n == prompt.size()));
    timings.prompt_n += static_cast<int32_t>(n);
    finish_cancelled();
  }
  sequence_.snapshot();
  if (request.max_tokens == 0) return FinishReason::length;

  for (;;) {
    TRY(const Token token, job.sampler.sample(logits, sequence_.tokens()));
    if (++timings.predicted_n == 1) {
      const Stopwatch::Times prefill = stopwatch.restart();
      timings.prompt_ms = prefill.wall_ms, timings.prompt_cpu_ms = prefill.cpu_ms;
    }
    if (tokenizer_.is_eog(token)) return FinishReason::stop;
    job.emit({.text = job.stop.push(job.decoder.push(token)), .token = token, .finish = {}});
    if (job.stop.found()) return FinishReason::stop;
    if (timings.predicted_n == request.max_tokens) return FinishReason::length;
    if (sequence_.tokens().size() == static_cast<size_t>(n_ctx())) return FinishReason::length;
    if (interrupted(job)) return FinishReason::cancelled;
    TRY(logits, sequence_.evaluate({&token, 1}, true));
    finish_cancelled();
  }
}

bool Engine::interrupted(const Job& job) const {
  return job.cancelled.load(std::memory_order_relaxed) || stopping_.load(std::memory_order_relaxed);
}

void Engine::finish_cancelled() {
  const std::lock_guard lock(mutex_);
  std::erase_if(queue_, [](const std::shared_ptr<Job>& job) {
    if (!job->cancelled.load(std::memory_order_relaxed)) return false;
    Finish finish;
    finish.reason = FinishReason::cancelled;
    job->emit({.text = {}, .token = {}, .finish = std::move(finish)});
    return true;
  });
}

}  // namespace halcyon::engine

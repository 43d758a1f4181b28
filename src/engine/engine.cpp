#include "engine/engine.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>
#include <new>
#include <system_error>

#include "base/signals.h"
#include "engine/job.h"

namespace halcyon::engine {
namespace {

constexpr int32_t kDefaultContext = 4096;

/// Finished sequences that may be kept for each slot; they share its KV memory.
constexpr int32_t kKeptPerSlot = 3;
constexpr int32_t kMaxParallel = 1024;

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

/// Marks the weights that are held in memory, told by the ops: of embedding tables rows are read from the
/// file.
struct HeldWeights {
  std::vector<bool> held;

  void in(int32_t) {}
  void out(int32_t) {}
  void attribute(std::string_view, auto) {}
  void weight(program::WeightId id) {
    if (id != program::none) held[static_cast<size_t>(id)] = true;
  }
};

std::vector<bool> held_weights(const program::Program& program) {
  HeldWeights visitor{std::vector<bool>(program.weights.size())};
  for (const program::Op& op : program.ops)
    if (!std::holds_alternative<program::Embed>(op)) std::visit([&](const auto& o) { o.visit(visitor); }, op);
  return visitor.held;
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

uint64_t memory_needed(const gguf::File& file, const EngineOptions& options) {
  const Result<int32_t> n_ctx = choose_context(file.metadata(), options.n_ctx);
  if (!n_ctx) return 0;
  const Result<model::Model> model = model::build(file, *n_ctx);
  if (!model) return 0;
  const program::Program& program = model->program;
  double bytes = 0;
  const std::vector<bool> held = held_weights(program);
  for (size_t i = 0; i < held.size(); ++i)
    if (held[i]) bytes += 1.06 * static_cast<double>(program.weights[i].size);  // packed
  const double positions = static_cast<double>(*n_ctx) * options.n_parallel;
  const double element = options.kv == backend::KvType::f32   ? 4
                         : options.kv == backend::KvType::f16 ? 2
                                                              : 1.0625;
  for (const program::KvCache& cache : program.kv_caches)
    bytes += 2 * positions * cache.n_head_kv * cache.head_dim * element;
  for (const program::DeltaState& state : program.delta_states)
    bytes += 4.0 * options.n_parallel * state.n_v * state.dk * state.dv;
  return static_cast<uint64_t>(std::min(bytes, 1e18));  // what hostile sizes give
}

Result<std::unique_ptr<Engine>> Engine::load(const gguf::File& file, backend::Device& device,
                                             const EngineOptions& options) {
  if (options.n_parallel < 1 || options.n_parallel > kMaxParallel)
    return fail("{} requests at once: 1 to {} are possible", options.n_parallel, kMaxParallel);
  TRY(const int32_t n_ctx, choose_context(file.metadata(), options.n_ctx));
  TRY(tokenizer::Tokenizer tokenizer, tokenizer::Tokenizer::load(file.metadata()));
  TRY(model::Model model, model::build(file, n_ctx));
  // A recurrent state is large: sequences are kept only in slots that nobody uses.
  const bool recurrent = !model.program.conv_states.empty() || !model.program.delta_states.empty();
  const backend::CompileOptions compile = {
      .n_ctx = n_ctx,
      .n_seq = options.n_parallel * (recurrent ? 1 : kKeptPerSlot + 1),
      .n_kv = int64_t{n_ctx} * options.n_parallel,
      .n_batch = std::max(std::min(options.n_batch, n_ctx), options.n_parallel),
      .n_outputs = options.n_parallel,
      .kv = options.kv,
      .progress = options.progress};
  TRY(auto executable, device.compile(std::move(model.program), compile));
  return create(std::move(tokenizer), std::move(model.config), std::move(executable), options.n_parallel,
                options.ledger);
}

Result<std::unique_ptr<Engine>> Engine::create(tokenizer::Tokenizer tokenizer, model::Config config,
                                               std::unique_ptr<backend::Executable> executable,
                                               int32_t n_parallel, std::shared_ptr<energy::Ledger> ledger) {
  std::unique_ptr<Engine> engine(new Engine(std::move(tokenizer), std::move(config), std::move(executable),
                                            n_parallel, std::move(ledger)));
  const BlockSignals block;  // signals are for the threads of the program that we are part of
  try {
    engine->thread_ = std::thread(&Engine::work, engine.get());
  } catch (const std::system_error& error) {
    return fail("the engine's thread can't be started: {}", error.what());
  }
  return engine;
}

Engine::Engine(tokenizer::Tokenizer tokenizer, model::Config config,
               std::unique_ptr<backend::Executable> executable, int32_t n_parallel,
               std::shared_ptr<energy::Ledger> ledger)
    : tokenizer_(std::move(tokenizer)),
      chat_(ChatTemplate::load(tokenizer_)),
      config_(std::move(config)),
      executable_(std::move(executable)),
      scheduler_(*executable_, tokenizer_, n_parallel, std::move(ledger)) {
  publish();
}

Engine::~Engine() {
  stopping_ = true;
  wakeup_->ring();
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
  if (request.ignore_eos) {
    constexpr float never = -std::numeric_limits<float>::infinity();
    for (const Token token : tokenizer_.eog_tokens()) request.sampling.logit_bias.emplace_back(token, never);
  }
  TRY(Sampler sampler, Sampler::create(request.sampling, config_.n_vocab,
                                       find_breakers(tokenizer_, request.sampling, config_.n_vocab)));

  auto job = std::make_shared<Job>(std::move(request), std::move(sampler), tokenizer_, wakeup_);
  if (job->request.grammar) job->constraint.emplace(job->request.grammar, tokenizer_, vocabulary());
  {
    const std::lock_guard lock(mutex_);
    job->id = ++n_submitted_;
    submitted_.push_back(job);
  }
  wakeup_->ring();
  return std::make_shared<Generation>(std::move(job));
}

const grammar::Vocabulary& Engine::vocabulary() {
  std::call_once(vocabulary_made_, [&] {
    std::vector<std::string> pieces;
    for (Token id = 0; id < config_.n_vocab; ++id) pieces.push_back(tokenizer_.piece(id, false));
    vocabulary_ = std::make_unique<const grammar::Vocabulary>(pieces);
  });
  return *vocabulary_;
}

Result<std::string> Engine::chat_text(const nlohmann::ordered_json& messages,
                                      const nlohmann::ordered_json& more) const {
  if (!chat_) return std::unexpected(chat_.error());
  return chat_->render(messages, more);
}

Result<std::vector<Token>> Engine::chat_prompt(const nlohmann::ordered_json& messages) const {
  TRY(const std::string text, chat_text(messages));
  return encode_prompt(tokenizer_, text);
}

Stats Engine::stats() const {
  const std::lock_guard lock(mutex_);
  Stats stats = stats_;
  stats.waiting += static_cast<int32_t>(submitted_.size());
  return stats;
}

void Engine::work() {
  pthread_setname_np(pthread_self(), "engine");
  for (bool busy = false; !stopping_;) {
    if (!busy) wakeup_->wait();
    take_submitted();
    try {
      busy = scheduler_.step();
    } catch (const std::bad_alloc&) {
      spdlog::error("out of memory: all requests are cancelled");
      scheduler_.cancel_all();
    }
    publish();
  }
  take_submitted();
  scheduler_.cancel_all();
}

void Engine::take_submitted() {
  const std::lock_guard lock(mutex_);
  for (; !submitted_.empty(); submitted_.pop_front()) scheduler_.add(std::move(submitted_.front()));
}

void Engine::publish() {
  Stats stats = scheduler_.stats();
  const std::lock_guard lock(mutex_);
  stats_ = std::move(stats);
}

}  // namespace halcyon::engine

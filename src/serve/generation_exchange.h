// What all answers that a model writes have in common: waiting for the model, asking its engine, passing on
// what comes.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "serve/admission.h"
#include "serve/dialect.h"
#include "serve/model_store.h"

namespace halcyon::serve {

/// What handlers work with.
struct Services {
  ModelStore& models;
  Admission& admission;
};

/// How a request wants to be answered.
struct AnswerPlan {
  Dialect dialect = Dialect::openai;
  size_t model = 0;
  int32_t places = 1;  ///< requests of the engine that this one is going to be at most
  bool stream = false;
  std::string content_type;                         ///< of a stream
  std::optional<ModelStore::KeepAlive> keep_alive;  ///< if the request says so
};

/// A derived class says what to ask and how to write the answer; everything but its own output is done here.
/// Generations are numbered as prepare() returned their requests.
class GenerationExchange : public Exchange {
 public:
  Output poll() final;
  const HttpHead& head() const final { return head_; }

 protected:
  GenerationExchange(const Services& services, AnswerPlan plan, std::string client, Wake wake);

  /// The requests, once the model is there; none if there is nothing to generate.
  virtual Outcome<std::vector<engine::Request>> prepare(ModelStore::Lease& lease) = 0;

  /// One event of a generation. What is to be sent at once is appended to `out`; an answer that is not
  /// streamed appends nothing before end().
  virtual void on_event(size_t generation, engine::Event& event, std::string& out) = 0;

  /// All generations have ended.
  virtual void end(std::string& out) = 0;

  /// Ends a generation early; its last event still comes.
  void cancel(size_t generation) { generations_[generation]->cancel(); }

  bool stream() const { return plan_.stream; }
  const ModelStore::Lease& lease() const { return *lease_; }

 private:
  using LeaseResult = Result<std::shared_ptr<ModelStore::Lease>>;
  struct Mailbox {
    std::mutex mutex;
    std::optional<LeaseResult> lease;
  };

  Outcome<void> advance(Output& output);
  Outcome<void> submit();

  const Services services_;
  const AnswerPlan plan_;
  const std::string client_;
  const Wake wake_;
  HttpHead head_;
  bool asked_ = false, sent_ = false;
  std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
  std::optional<Admission::Places> places_;
  std::shared_ptr<ModelStore::Lease> lease_;  ///< behind it: its engine outlives the generations
  std::vector<std::shared_ptr<engine::Generation>> generations_;
  size_t n_ended_ = 0;
};

/// Fails if a prompt is longer than the context, with the counts.
Outcome<void> check_prompt(const engine::Engine& engine, size_t n_prompt_tokens);

}  // namespace halcyon::serve

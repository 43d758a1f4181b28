#include "serve/generation_exchange.h"

#include <utility>

namespace halcyon::serve {

GenerationExchange::GenerationExchange(const Services& services, AnswerPlan plan, std::string client,
                                       Wake wake)
    : services_(services), plan_(std::move(plan)), client_(std::move(client)), wake_(std::move(wake)) {
  if (plan_.stream) head_.content_type = plan_.content_type;
}

Exchange::Output GenerationExchange::poll() {
  Output output;
  if (const Outcome<void> advanced = advance(output); !advanced) {
    const ApiError& error = advanced.error();
    if (sent_ || !output.body.empty()) {
      output.body += stream_error(plan_.dialect, error);
    } else {
      head_ = error_head(error);
      output.body = error_body(plan_.dialect, error);
    }
    output.done = true;
  }
  if (!output.body.empty()) sent_ = true;
  return output;
}

Outcome<void> GenerationExchange::advance(Output& output) {
  if (!asked_) {
    asked_ = true;
    places_ = services_.admission.enter(plan_.model, plan_.places);
    if (!places_) return refuse(ErrorKind::unavailable, "too many requests are waiting: try again later");
    services_.models.acquire(plan_.model,
                             [mailbox = std::weak_ptr(mailbox_), wake = wake_](LeaseResult lease) {
                               if (const auto alive = mailbox.lock()) {
                                 const std::lock_guard lock(alive->mutex);
                                 alive->lease = std::move(lease);
                               }
                               wake();
                             });
  }
  if (!lease_) {
    std::optional<LeaseResult> lease;
    {
      const std::lock_guard lock(mailbox_->mutex);
      lease = std::exchange(mailbox_->lease, std::nullopt);
    }
    if (!lease) return {};
    TRY(lease_, of_request(std::move(*lease), ErrorKind::unavailable));
    CHECK_OK(submit());
  }
  for (size_t i = 0; i < generations_.size(); ++i) {
    while (std::optional<engine::Event> event = generations_[i]->poll()) {
      if (event->finish) {
        ++n_ended_;
        if (event->finish->error) return refuse(ErrorKind::server, "{}", event->finish->error->message);
      }
      on_event(i, *event, output.body);
    }
  }
  if (n_ended_ == generations_.size()) {
    end(output.body);
    output.done = true;
  }
  return {};
}

Outcome<void> GenerationExchange::submit() {
  if (plan_.keep_alive) lease_->keep_alive(*plan_.keep_alive);
  TRY(std::vector<engine::Request> requests, prepare(*lease_));
  for (engine::Request& request : requests) {
    CHECK_OK(check_prompt(lease_->engine(), request.prompt.size()));
    request.client = client_;
    request.on_event = wake_;
  }
  for (engine::Request& request : requests) {
    TRY(generations_.emplace_back(), of_request(lease_->engine().submit(std::move(request))));
  }
  return {};
}

Outcome<void> check_prompt(const engine::Engine& engine, size_t n_prompt_tokens) {
  const auto n_ctx = static_cast<size_t>(engine.n_ctx());
  if (n_prompt_tokens <= n_ctx) return {};
  return std::unexpected(ApiError{
      ErrorKind::context_exceeded,
      fmt::format(
          "the prompt has {} tokens, more than the context of {}: shorten it, or serve with a larger --ctx",
          n_prompt_tokens, n_ctx),
      {{"n_prompt_tokens", n_prompt_tokens}, {"n_ctx", n_ctx}}});
}

}  // namespace halcyon::serve

#include "serve/off_thread.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <optional>
#include <system_error>
#include <utility>

#include "base/signals.h"

namespace halcyon::serve {

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Worker::post(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (!thread_.joinable()) {
      const BlockSignals block;
      try {
        thread_ = std::thread(&Worker::run, this);
      } catch (const std::system_error& error) {
        spdlog::warn("no thread for large requests: {}", error.what());
      }
    }
    if (thread_.joinable()) waiting_.push_back(std::exchange(work, nullptr));
  }
  if (work) return work();
  changed_.notify_one();
}

void Worker::run() {
  pthread_setname_np(pthread_self(), "large requests");
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    const std::function<void()> work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    work();
    lock.lock();
  }
}

namespace {

/// Shared by the exchange, which may be destroyed at any time, and the worker.
class Shared : public std::enable_shared_from_this<Shared> {
 public:
  Shared(Worker& worker, std::function<std::unique_ptr<Exchange>(Wake)> make, Wake wake)
      : worker_(worker), make_(std::move(make)), wake_(std::move(wake)) {}

  /// Asks for a poll of the inner exchange, unless one is coming.
  void want_poll() {
    {
      const std::lock_guard lock(mutex_);
      if (abandoned_ || std::exchange(is_wanted_, true)) return;
    }
    worker_.post([self = shared_from_this()] { self->poll(); });
  }

  void abandon() {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
  }

  Exchange::Output take(std::optional<HttpHead>& head) {
    const std::lock_guard lock(mutex_);
    if (!head) head = head_;
    return {.body = std::exchange(output_.body, {}), .done = output_.done};
  }

 private:
  void poll() {
    {
      const std::lock_guard lock(mutex_);
      is_wanted_ = false;
      if (abandoned_ || output_.done) return;
    }
    if (!inner_)
      inner_ = make_([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->want_poll();
      });
    Exchange::Output more = inner_->poll();
    if (more.body.empty() && !more.done) return;
    {
      const std::lock_guard lock(mutex_);
      if (!head_) head_ = inner_->head();
      output_.body += more.body;
      output_.done = more.done;
    }
    wake_();
  }

  Worker& worker_;
  const std::function<std::unique_ptr<Exchange>(Wake)> make_;
  const Wake wake_;
  std::unique_ptr<Exchange> inner_;  ///< the worker's alone

  std::mutex mutex_;  // guards what follows
  bool is_wanted_ = false, abandoned_ = false;
  std::optional<HttpHead> head_;
  Exchange::Output output_;
};

class OffThread final : public Exchange {
 public:
  explicit OffThread(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) { shared_->want_poll(); }
  ~OffThread() override { shared_->abandon(); }
  Output poll() override { return shared_->take(head_); }
  const HttpHead& head() const override { return *head_; }

 private:
  const std::shared_ptr<Shared> shared_;
  std::optional<HttpHead> head_;
};

}  // namespace

std::unique_ptr<Exchange> off_thread(Worker& worker, std::function<std::unique_ptr<Exchange>(Wake)> make,
                                     Wake wake) {
  return std::make_unique<OffThread>(std::make_shared<Shared>(worker, std::move(make), std::move(wake)));
}

}  // namespace halcyon::serve

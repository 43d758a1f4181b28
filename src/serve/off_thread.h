// Keeps work that takes long away from the threads that serve connections.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "serve/http.h"

namespace halcyon::serve {

/// One thread that does what it is given, in order, and sleeps in between. It is there from the first work
/// on.
class Worker {
 public:
  Worker() = default;

  /// What was not begun is dropped.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// If there can be no thread the work is done at once.
  void post(std::function<void()> work);

 private:
  void run();

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

/// An exchange that `make` makes, and whose polls are made, on the worker: reading a large body takes long,
/// be it JSON, a template or a tokenizer that does. `make` gets the wake to use.
std::unique_ptr<Exchange> off_thread(Worker& worker, std::function<std::unique_ptr<Exchange>(Wake)> make,
                                     Wake wake);

}  // namespace halcyon::serve

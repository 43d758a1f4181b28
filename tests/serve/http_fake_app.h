// An app behind the HTTP server whose answers a test drives by hand.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "serve/http.h"

namespace halcyon::serve::test {

/// The far end of an answer that comes piece by piece.
class Stream {
 public:
  explicit Stream(Wake wake) : wake_(std::move(wake)) {}

  void push(std::string_view piece) {
    add(piece, false);
    wake_();
  }
  void finish() {
    add("", true);
    wake_();
  }
  /// As push(), but tells nobody.
  void add(std::string_view piece, bool done) {
    const std::lock_guard lock(mutex_);
    pending_ += piece;
    done_ |= done;
  }
  void wake() { wake_(); }

  Exchange::Output poll() {
    const std::lock_guard lock(mutex_);
    ++polls_;
    changed_.notify_all();
    return {.body = std::exchange(pending_, ""), .done = done_};
  }
  void destroy() {
    const std::lock_guard lock(mutex_);
    destroyed_ = true;
    changed_.notify_all();
  }

  int polls() {
    const std::lock_guard lock(mutex_);
    return polls_;
  }
  bool is_destroyed() {
    const std::lock_guard lock(mutex_);
    return destroyed_;
  }
  void wait_for_poll(int n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return polls_ >= n; });
  }
  /// Returns once the server has destroyed the exchange.
  void wait_for_destruction() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return destroyed_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string pending_;
  bool done_ = false;
  bool destroyed_ = false;
  int polls_ = 0;
  Wake wake_;
};

class StreamedExchange final : public Exchange {
 public:
  explicit StreamedExchange(std::shared_ptr<Stream> stream) : stream_(std::move(stream)) {
    head_.content_type = "text/event-stream";
  }
  ~StreamedExchange() override { stream_->destroy(); }
  Output poll() override { return stream_->poll(); }
  const HttpHead& head() const override { return head_; }

 private:
  std::shared_ptr<Stream> stream_;
  HttpHead head_;
};

/// /echo says what was asked, /large answers with as many bytes as the query says, /stream is driven by the
/// test, /refused and /empty have no body to read or to send, /injection tries to.
class FakeApp : public HttpApp {
 public:
  std::unique_ptr<Exchange> refuse(const HttpRequest& request) override {
    if (request.path != "/refused") return nullptr;
    return reply({.status = 401, .content_type = "text/plain", .headers = {}}, "no key");
  }

  std::unique_ptr<Exchange> handle(HttpRequest request, Wake wake) override {
    if (request.path == "/stream") {
      const auto stream = std::make_shared<Stream>(std::move(wake));
      const std::lock_guard lock(mutex_);
      streams_.push_back(stream);
      changed_.notify_all();
      return std::make_unique<StreamedExchange>(stream);
    }
    HttpHead head;
    head.content_type = "text/plain";
    if (request.path == "/large") return reply(head, std::string(std::stoul(request.query), 'x'));
    if (request.path == "/empty") head.status = 204;
    if (request.path == "/injection") head.headers = {{"X-A", "1\r\nX-Evil: 2\r\n\r\nbody"}, {"X\r\nB", "3"}};
    if (request.path == "/host") return reply(head, std::string(request.header("host")));
    if (request.path == "/peer") return reply(head, request.peer);
    return reply(head, request.method + " " + request.path + "?" + request.query + " " + request.body);
  }

  std::unique_ptr<Exchange> fail(int status, std::string_view path, std::string message) override {
    return reply({.status = status, .content_type = "text/plain", .headers = {}},
                 std::string(path) + ": " + message);
  }

  /// The far end of the next GET /stream.
  std::shared_ptr<Stream> next_stream() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !streams_.empty(); });
    const auto stream = streams_.front();
    streams_.pop_front();
    return stream;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Stream>> streams_;
};

}  // namespace halcyon::serve::test

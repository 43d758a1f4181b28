#include "serve/connection.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.h"
#include "serve/http_response.h"

namespace halcyon::serve {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr size_t kHeadPiece = 4 << 10;   ///< bytes that an idle connection has room for
constexpr size_t kBodyPiece = 64 << 10;  ///< bytes of a body that are read at once

/// A request that counts as running.
class Running {
 public:
  explicit Running(Shared& shared) : shared_(shared) { add(1); }
  ~Running() { add(-1); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  void add(int64_t n) {
    const std::lock_guard lock(shared_.mutex);
    shared_.running += n;
    if (shared_.running == 0) shared_.idle.notify_all();
  }

  Shared& shared_;
};

/// What a body that is being read has taken of HttpLimits::max_bodies.
class BodyShare {
 public:
  explicit BodyShare(Shared& shared) : shared_(shared) {}
  ~BodyShare() { shared_.body_bytes -= bytes_; }
  BodyShare(const BodyShare&) = delete;
  BodyShare& operator=(const BodyShare&) = delete;

  /// False if all bodies together are too large then.
  bool grow_to(uint64_t bytes) {
    const uint64_t more = bytes - std::exchange(bytes_, bytes);
    return (shared_.body_bytes += more) <= shared_.limits.max_bodies;
  }

 private:
  Shared& shared_;
  uint64_t bytes_ = 0;
};

}  // namespace

/// The way from an exchange's Wake, which may outlive everything here, to its connection.
class Waker {
 public:
  explicit Waker(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}

  void wake() {
    const std::lock_guard lock(mutex_);
    if (!connection_ || std::exchange(on_its_way_, true)) return;
    // Under the lock: the io_context lives as long as we are attached.
    asio::post(connection_->strand_, [connection = connection_] {
      connection->woken_ = true;
      connection->notify();
    });
  }

  /// What comes from here on needs another poll().
  void rearm() {
    const std::lock_guard lock(mutex_);
    on_its_way_ = false;
  }

  void detach() {
    const std::lock_guard lock(mutex_);
    connection_.reset();
  }

 private:
  std::mutex mutex_;
  std::shared_ptr<Connection> connection_;
  bool on_its_way_ = false;
};

namespace {

/// A waker that is detached when its exchange is over.
class AttachedWaker {
 public:
  explicit AttachedWaker(std::shared_ptr<Connection> connection)
      : waker_(std::make_shared<Waker>(std::move(connection))) {}
  ~AttachedWaker() { waker_->detach(); }
  AttachedWaker(const AttachedWaker&) = delete;
  AttachedWaker& operator=(const AttachedWaker&) = delete;

  const std::shared_ptr<Waker>& get() const { return waker_; }

 private:
  std::shared_ptr<Waker> waker_;
};

}  // namespace

Connection::Connection(Socket socket, std::string peer, Shared& shared)
    : shared_(shared),
      stream_(std::move(socket), shared.tls.get()),
      strand_(stream_.strand()),
      peer_(std::move(peer)),
      timer_(strand_) {}

void Connection::start(std::function<void()> on_closed) {
  on_closed_ = std::move(on_closed);
  asio::co_spawn(strand_, run(), [self = shared_from_this()](std::exception_ptr error) {
    try {
      if (error) std::rethrow_exception(error);
    } catch (const std::exception& e) {
      spdlog::error("connection of {}: {}", self->peer_, e.what());
    }
    self->end();
  });
}

void Connection::close() {
  asio::post(strand_, [self = shared_from_this()] {
    self->closed_ = true;
    self->stream_.close();
    self->notify();
  });
}

void Connection::close_if_idle() {
  asio::post(strand_, [self = shared_from_this()] {
    if (self->idle_since_ != 0) self->close();
  });
}

void Connection::end() {
  closed_ = true;
  stream_.close();
  timer_.cancel();
  exchange_.reset();
  std::exchange(on_closed_, nullptr)();
}

// The coroutine. (GCC 12 miscompiles co_await within the condition of an if or a while; so these functions
// return nothing, and what came of them is in the members.)

Connection::Task<void> Connection::run() {
  set_deadline(Clock::now() + shared_.limits.header_timeout);
  co_await handshake();
  while (keep_alive_ && !over()) co_await serve_one();
  if (!over()) co_await linger();
}

Connection::Task<void> Connection::handshake() {
  if (!stream_.is_tls()) co_return;
  reading_ = true;
  stream_.handshake([self = shared_from_this()](error_code error) {
    self->reading_ = false;
    self->ended_ = error.failed();
    self->http_not_tls_ = error.category() == asio::error::get_ssl_category() &&
                          ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_HTTP_REQUEST;
    self->notify();
  });
  while (reading_ && !expired_ && !over()) co_await event();
  if (expired_) ended_ = true;
  if (!http_not_tls_) co_return;
  ended_ = false;
  stream_.become_plain();
  refuse(400, "", "this port speaks TLS: use https:// instead of http://");
  co_await answer(nullptr);
}

Connection::Task<void> Connection::serve_one() {
  RequestParser parser(shared_.limits, peer_);
  head_only_ = http_1_0_ = false;
  co_await read_head(parser);
  first_ = false;
  const AttachedWaker waker(shared_from_this());
  const Running running(shared_);
  if (parser.has_head()) {
    ++shared_.requests;
    head_only_ = parser.request().method == "HEAD";
    http_1_0_ = parser.http_1_0();
    keep_alive_ = parser.keep_alive();
    co_await read_body(parser);
    if (!exchange_ && !over())
      exchange_ = shared_.app.handle(parser.take(), [w = waker.get()] { w->wake(); });
  }
  if (exchange_) co_await answer(waker.get().get());
  exchange_.reset();
}

/// Leaves a parser that has the head, an exchange that refuses the request, or neither if there is none.
Connection::Task<void> Connection::read_head(RequestParser& parser) {
  const HttpLimits& limits = shared_.limits;
  idle_since_ = Clock::now().time_since_epoch().count();
  if (!first_) {
    set_deadline(Clock::now() + limits.idle_timeout);
    arm_timer();  // exactly: an idle connection does not wake up for a deadline of its past
  }
  while (!over()) {
    if (in_.size() > 0) {
      if (idle_since_.exchange(0) != 0 && !first_) set_deadline(Clock::now() + limits.header_timeout);
      parse(parser);
      if (parser.state() == RequestParser::State::failed)
        refuse(parser.status(), parser.request().path, parser.message());
      if (parser.state() != RequestParser::State::head) break;
    }
    if (expired_ && in_.size() > 0) refuse(408, "", "the rest of the request's headers did not come in time");
    if (expired_ || (shared_.stopping && idle_since_ != 0)) {
      keep_alive_ = false;
      break;
    }
    start_reading(kHeadPiece);
    while (reading_ && !expired_ && !over()) co_await event();
  }
  set_deadline(Clock::time_point::max());
}

/// Leaves a parser that is done, or an exchange that refuses the request, or neither if the client has gone.
Connection::Task<void> Connection::read_body(RequestParser& parser) {
  using State = RequestParser::State;
  const HttpLimits& limits = shared_.limits;
  const Clock::time_point start = Clock::now();
  const std::string& path = parser.request().path;
  BodyShare share(shared_);
  parse(parser);  // what is there already
  exchange_ = shared_.app.refuse(parser.request());
  if (exchange_) {
    if (parser.state() != State::done) keep_alive_ = false;
    co_return;
  }
  if (parser.expects_continue() && parser.state() == State::body && parser.body_size() == 0) {
    out_ = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await flush();
  }
  while (parser.state() == State::body && !over()) {
    const std::chrono::milliseconds earned(parser.body_size() * 1000 /
                                           std::max<uint64_t>(limits.min_body_rate, 1));
    set_deadline(std::min(Clock::now(), start + earned) + limits.body_timeout);
    start_reading(kBodyPiece);
    while (reading_ && !expired_ && !over()) co_await event();
    if (expired_) co_return refuse(408, path, "the rest of the request's body did not come in time");
    parse(parser);
    if (in_.size() > limits.max_header)
      co_return refuse(400, path, "the extensions or trailers of a chunk are too long");
    if (!share.grow_to(parser.body_size()))
      co_return refuse(503, path, "too many large requests at once: try again later");
  }
  set_deadline(Clock::time_point::max());
  if (parser.state() == State::failed) refuse(parser.status(), path, parser.message());
}

void Connection::refuse(int status, const std::string& path, std::string message) {
  keep_alive_ = false;
  exchange_ = shared_.app.fail(status, path, std::move(message));
}

Connection::Task<void> Connection::answer(Waker* waker) {
  bool begun = false;
  Framing framing = Framing::length;
  while (!over()) {
    woken_ = false;
    if (waker) waker->rearm();
    const Exchange::Output output = exchange_->poll();
    if (output.done || !output.body.empty()) {
      const HttpHead& head = exchange_->head();
      const bool bodiless = head_only_ || is_bodiless(head.status);
      if (!std::exchange(begun, true)) {
        if (!output.done) framing = http_1_0_ ? Framing::until_close : Framing::chunked;
        if (shared_.stopping || framing == Framing::until_close) keep_alive_ = false;
        append_head(out_, head, framing, output.body.size(), keep_alive_);
      }
      if (!bodiless) append_body(out_, framing, output.body, output.done);
      co_await flush();
      if (output.done || bodiless) break;
    }
    // Reading ahead is how a client that goes is noticed. What comes is the next request: that waits.
    while (!woken_ && !over()) {
      if (in_.size() < shared_.limits.max_header) start_reading(kHeadPiece);
      co_await event();
    }
  }
}

/// Writes what is in out_.
Connection::Task<void> Connection::flush() {
  while (written_ < out_.size() && !over()) {
    set_deadline(Clock::now() + shared_.limits.write_timeout);
    start_writing();
    while (writing_ && !expired_ && !over()) co_await event();
    if (expired_) ended_ = true;
  }
  set_deadline(Clock::time_point::max());
  if (over()) co_return;
  if (out_.capacity() > kBodyPiece) out_ = std::string();
  out_.clear();
  written_ = 0;
}

/// Closing a socket with unread bytes makes the kernel take back what the client has not read yet. So the
/// client is told that nothing more comes, and what it still sends (no more than one body) is thrown away
/// until it closes too.
Connection::Task<void> Connection::linger() {
  set_deadline(Clock::now() + shared_.limits.linger_timeout);
  stream_.finish([self = shared_from_this()](error_code) {});
  for (uint64_t drained = 0; !expired_ && drained <= shared_.limits.max_body;) {
    start_reading(kBodyPiece);
    while (reading_ && !expired_ && !over()) co_await event();
    if (over()) break;
    if (reading_) continue;
    drained += in_.size();
    in_.consume(in_.size());
  }
}

// What happens in the background.

Connection::Task<void> Connection::event() {
  asio::use_awaitable_t<Strand> token;
  return asio::async_initiate<asio::use_awaitable_t<Strand>, void()>(
      [this](auto run) { waiting_ = std::move(run); }, token);
}

void Connection::notify() {
  if (auto run = std::exchange(waiting_, nullptr)) run();
}

void Connection::start_reading(size_t most) {
  if (reading_) return;
  reading_ = true;
  stream_.read_some(in_.prepare(most), [self = shared_from_this()](error_code error, size_t bytes) {
    self->reading_ = false;
    self->in_.commit(bytes);
    if (error) self->ended_ = true;
    self->notify();
  });
}

void Connection::start_writing() {
  writing_ = true;
  stream_.write_some(asio::buffer(out_) + written_,
                     [self = shared_from_this()](error_code error, size_t bytes) {
                       self->writing_ = false;
                       self->written_ += bytes;
                       if (error) self->ended_ = true;
                       self->notify();
                     });
}

void Connection::parse(RequestParser& parser) {
  const auto bytes = in_.data();
  in_.consume(parser.parse({static_cast<const char*>(bytes.data()), bytes.size()}));
  if (in_.size() == 0 && !reading_ && in_.capacity() > kBodyPiece) in_.shrink_to_fit();
}

void Connection::set_deadline(Clock::time_point deadline) {
  deadline_ = deadline;
  expired_ = false;
  if (deadline_ < armed_for_) arm_timer();
}

void Connection::arm_timer() {
  armed_for_ = deadline_;
  timer_.expires_at(deadline_);
  timer_.async_wait([self = shared_from_this()](error_code error) {
    if (error) return;
    self->armed_for_ = Clock::time_point::max();
    if (self->deadline_ == self->armed_for_) return;
    if (Clock::now() < self->deadline_) return self->arm_timer();
    self->expired_ = true;
    self->notify();
  });
}

}  // namespace halcyon::serve

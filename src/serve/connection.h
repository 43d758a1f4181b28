// One client: reads its requests, and sends the answers in their order.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "serve/http.h"
#include "serve/http_request_parser.h"
#include "serve/http_server.h"
#include "serve/http_stream.h"

namespace halcyon::serve {

/// What the connections of a server have in common.
struct Shared {
  Shared(HttpApp& the_app, const HttpLimits& the_limits) : app(the_app), limits(the_limits) {}

  HttpApp& app;
  HttpLimits limits;
  std::unique_ptr<boost::asio::ssl::context> tls;  ///< nullptr: plain
  std::atomic<bool> stopping = false;              ///< each answer from now on is its connection's last
  std::atomic<uint64_t> requests = 0;
  std::atomic<uint64_t> body_bytes = 0;  ///< of bodies that are being read

  std::mutex mutex;
  std::condition_variable idle;
  int64_t running = 0;  ///< requests between their head and the end of their answer
};

class Waker;

/// Everything that happens to a connection happens on its strand. Reading, writing and time run in the
/// background and leave their results in members; run() is the one coroutine, and waits until one of them has
/// changed.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;

  Connection(Socket socket, std::string peer, Shared& shared);

  /// Serves until either side has had enough; then calls `on_closed`, on the strand.
  void start(std::function<void()> on_closed);

  // From any thread:
  void close();
  void close_if_idle();

  /// Since when the client could send a request and has not; 0 while one is read or answered.
  Clock::rep idle_since() const { return idle_since_; }

 private:
  friend class Waker;
  template <class T>
  using Task = boost::asio::awaitable<T, Strand>;

  Task<void> run();
  Task<void> handshake();
  Task<void> serve_one();
  Task<void> read_head(RequestParser& parser);
  Task<void> read_body(RequestParser& parser);
  Task<void> answer(Waker* waker);
  Task<void> flush();
  Task<void> linger();
  void refuse(int status, const std::string& path, std::string message);

  Task<void> event();  ///< until notify()
  void notify();
  bool over() const { return ended_ || closed_; }

  void start_reading(size_t most);
  void start_writing();
  void parse(RequestParser& parser);
  void set_deadline(Clock::time_point deadline);
  void arm_timer();
  void end();

  Shared& shared_;
  HttpStream stream_;
  Strand strand_;
  std::string peer_;
  std::function<void()> on_closed_;
  std::move_only_function<void()> waiting_;  ///< run(), while it waits for an event

  bool first_ = true;                   ///< no request has come yet
  bool keep_alive_ = true;              ///< there may be another one
  std::unique_ptr<Exchange> exchange_;  ///< the answer to the current one
  bool head_only_ = false;
  bool http_1_0_ = false;

  boost::beast::flat_buffer in_;  ///< read and not yet parsed
  std::string out_;               ///< to be written
  size_t written_ = 0;            ///< of out_

  bool reading_ = false;
  bool writing_ = false;
  bool woken_ = false;         ///< the exchange has something
  bool expired_ = false;       ///< the deadline has passed
  bool ended_ = false;         ///< the client has gone, or at least sends nothing more
  bool closed_ = false;        ///< we have
  bool http_not_tls_ = false;  ///< the client's first bytes were not TLS but HTTP
  std::atomic<Clock::rep> idle_since_ = 0;

  // One timer, armed for the deadline or earlier: moving a deadline further away costs nothing, and a timer
  // that nobody needs any more runs out once and stays still.
  boost::asio::basic_waitable_timer<Clock, boost::asio::wait_traits<Clock>, Strand> timer_;
  Clock::time_point deadline_ = Clock::time_point::max();
  Clock::time_point armed_for_ = Clock::time_point::max();
};

}  // namespace halcyon::serve

// The event loop that all of a guard runs on: one thread, so that nothing in it needs a lock.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace halcyon::guard {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using ErrorCode = boost::system::error_code;

template <class T>
using Task = asio::awaitable<T>;

/// `const auto [error, n] = co_await socket.async_read_some(buffer, kTuple);`
inline constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

/// Something that coroutines wait for. What is set before the wait is not missed.
class Signal {
 public:
  explicit Signal(const asio::any_io_executor& executor)
      : timer_(executor, asio::steady_timer::time_point::max()) {}

  void set() {
    is_set_ = true;
    timer_.cancel();
  }
  void reset() { is_set_ = false; }
  bool is_set() const { return is_set_; }

  /// Until it is set, or until it is cancelled from outside.
  Task<void> wait() {
    if (!is_set_) co_await timer_.async_wait(kTuple);
  }

 private:
  asio::steady_timer timer_;
  bool is_set_ = false;
};

}  // namespace halcyon::guard

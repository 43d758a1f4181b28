#include "measure/resolve.h"

#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "base/quote.h"
#include "base/signals.h"

namespace halcyon::measure {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Endpoints = Result<std::vector<tcp::endpoint>>;

Endpoints look_up(const std::string& host, uint16_t port) {
  asio::io_context io;
  boost::system::error_code error;
  const auto results = tcp::resolver(io).resolve(host, std::to_string(port), error);
  if (error) return fail("the host {} is not known: {}", quote(host), error.message());
  return std::vector<tcp::endpoint>(results.begin(), results.end());
}

struct LookUp {
  std::mutex mutex;
  std::condition_variable_any done;
  std::optional<Endpoints> endpoints;
};

}  // namespace

Endpoints resolve(const std::string& host, uint16_t port, std::chrono::steady_clock::time_point deadline,
                  std::stop_token stop) {
  boost::system::error_code error;
  if (const auto address = asio::ip::make_address(host, error); !error)
    return std::vector{tcp::endpoint(address, port)};

  const auto state = std::make_shared<LookUp>();
  {
    const BlockSignals for_the_thread;
    std::thread([state, host, port] {
      Endpoints endpoints = look_up(host, port);
      const std::lock_guard lock(state->mutex);
      state->endpoints = std::move(endpoints);
      state->done.notify_all();
    }).detach();
  }
  std::unique_lock lock(state->mutex);
  state->done.wait_until(lock, stop, deadline, [&] { return state->endpoints.has_value(); });
  if (state->endpoints) return std::move(*state->endpoints);
  if (stop.stop_requested()) return fail("stopped");
  return fail("no name server answers for {}", quote(host));
}

}  // namespace halcyon::measure

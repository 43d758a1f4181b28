#include "serve/http_server.h"

#include <pthread.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/use_future.hpp>
#include <system_error>
#include <thread>
#include <unordered_set>

#include "base/log.h"
#include "base/signals.h"
#include "serve/connection.h"
#include "serve/http_listen.h"
#include "serve/tls_context.h"

namespace halcyon::serve {

namespace asio = boost::asio;
using boost::system::error_code;

struct HttpServer::Impl {
  using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol, Strand>;

  Impl(HttpApp& app, const HttpOptions& options)
      : io(options.threads), work(io.get_executor()), shared(app, options.limits) {}
  ~Impl() {
    work.reset();
    for (std::thread& thread : threads) thread.join();
  }

  Result<void> listen(const HttpOptions& options);
  Result<void> start_threads(int32_t n);

  /// Calls `f` on our strand and waits for it.
  template <class F>
  void on_strand(F f) {
    asio::post(strand, asio::use_future(std::move(f))).wait();
  }

  // On our strand:
  void accept(Acceptor& acceptor);
  void admit(Socket socket);
  void pause(Acceptor& acceptor);
  void resume();
  void make_room();
  bool full() const { return std::cmp_greater_equal(connections.size(), shared.limits.max_connections); }

  asio::io_context io;
  asio::executor_work_guard<asio::io_context::executor_type> work;
  Shared shared;
  Strand strand = asio::make_strand(io);
  std::vector<Acceptor> acceptors;
  std::vector<Acceptor*> paused;
  asio::basic_waitable_timer<Connection::Clock, asio::wait_traits<Connection::Clock>, Strand> retry{strand};
  std::unordered_set<std::shared_ptr<Connection>> connections;
  std::atomic<int64_t> open = 0;
  uint16_t port = 0;
  std::string address;
  std::vector<std::thread> threads;
};

Result<void> HttpServer::Impl::listen(const HttpOptions& options) {
  std::vector<ListenSocket> listeners;
  if (options.listen_fd >= 0) {
    TRY(ListenSocket listener, adopt_listener(options.listen_fd));
    listeners.push_back(std::move(listener));
  } else {
    TRY(listeners, listen_on(options.host, options.port));
  }
  port = listeners.front().port();
  address = listeners.front().address();
  for (ListenSocket& listener : listeners) {
    Acceptor& acceptor = acceptors.emplace_back(strand);
    error_code error;
    acceptor.assign({listener.family(), 0}, listener.fd(), error);
    if (!error) acceptor.non_blocking(true, error);
    if (error) return fail("{}: cannot be waited for: {}", listener.address(), error.message());
    listener.release();
  }
  return {};
}

Result<void> HttpServer::Impl::start_threads(int32_t n) {
  const BlockSignals block;
  try {
    for (int32_t i = 0; i < n; ++i) {
      threads.emplace_back([this] { io.run(); });
      ::pthread_setname_np(threads.back().native_handle(), fmt::format("http-{}", i).c_str());
    }
  } catch (const std::system_error& e) {
    return fail("cannot start {} threads for HTTP: {}", n, e.code().message());
  }
  return {};
}

/// Waits for a client before it accepts one: only when there is one may an idle connection have to go, and
/// without a free descriptor the kernel refuses to accept even if nobody is there.
void HttpServer::Impl::accept(Acceptor& acceptor) {
  acceptor.async_wait(Acceptor::wait_read, [this, &acceptor](error_code error) {
    if (error || shared.stopping) return;
    if (full()) {
      make_room();
      return pause(acceptor);
    }
    Socket socket = acceptor.accept(asio::make_strand(io), error);
    if (!error) {
      admit(std::move(socket));
    } else if (error != asio::error::connection_aborted && error != asio::error::would_block) {
      // Most likely out of descriptors. The client stays in the queue, so asking again at once would spin.
      spdlog::warn("{}: cannot accept a connection: {}; trying again in a second", address, error.message());
      make_room();
      return pause(acceptor);
    }
    accept(acceptor);
  });
}

void HttpServer::Impl::admit(Socket socket) {
  error_code error;
  const auto peer = socket.remote_endpoint(error);
  if (error) return;  // gone again
  auto connection =
      std::make_shared<Connection>(std::move(socket), peer_name(peer.data(), socklen_t(peer.size())), shared);
  connections.insert(connection);
  ++open;
  connection->start([this, connection] {
    --open;
    asio::post(strand, [this, connection] {
      connections.erase(connection);
      resume();
    });
  });
}

/// Until a connection ends, or for a second.
void HttpServer::Impl::pause(Acceptor& acceptor) {
  paused.push_back(&acceptor);
  retry.expires_after(std::chrono::seconds(1));
  retry.async_wait([this](error_code error) {
    if (!error) resume();
  });
}

void HttpServer::Impl::resume() {
  if (shared.stopping) return;
  for (Acceptor* acceptor : std::exchange(paused, {})) accept(*acceptor);
}

/// Closes the connection that has been idle for longest.
void HttpServer::Impl::make_room() {
  Connection* longest = nullptr;
  for (const auto& connection : connections) {
    const auto since = connection->idle_since();
    if (since != 0 && (!longest || since < longest->idle_since())) longest = connection.get();
  }
  if (longest) longest->close_if_idle();
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpApp& app, HttpOptions options) {
  options.threads = std::max(options.threads, 1);
  auto impl = std::make_unique<Impl>(app, options);
  CHECK_OK(impl->listen(options));
  if (options.tls) {
    TRY(impl->shared.tls, load_tls(*options.tls));
  }
  CHECK_OK(impl->start_threads(options.threads));
  impl->on_strand([&i = *impl] {
    for (Impl::Acceptor& acceptor : i.acceptors) i.accept(acceptor);
  });
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() {
  stop_listening();
  impl_->on_strand([this] {
    for (const auto& connection : impl_->connections) connection->close();
  });
}

uint16_t HttpServer::port() const { return impl_->port; }

std::string HttpServer::address() const { return impl_->address; }

void HttpServer::stop_listening() {
  impl_->on_strand([this] {
    impl_->shared.stopping = true;
    error_code ignored;
    for (Impl::Acceptor& acceptor : impl_->acceptors) acceptor.close(ignored);
    impl_->retry.cancel();
    for (const auto& connection : impl_->connections) connection->close_if_idle();
  });
}

bool HttpServer::wait_until_idle(std::chrono::milliseconds longest) {
  std::unique_lock lock(impl_->shared.mutex);
  return impl_->shared.idle.wait_for(lock, longest, [this] { return impl_->shared.running == 0; });
}

HttpStats HttpServer::stats() const {
  return {.connections = impl_->open, .requests = impl_->shared.requests};
}

}  // namespace halcyon::serve

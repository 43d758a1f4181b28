#include "guard/guard.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>

#include "guard/status.h"
#include "serve/http_listen.h"

namespace halcyon::guard {
namespace {

constexpr auto kLastAnswers = std::chrono::seconds(3);         // to be written when all servers have ended
constexpr auto kAcceptAgain = std::chrono::milliseconds(100);  // after the process ran out of descriptors

/// "model" of a request's JSON; empty if there is none.
std::string model_in(std::string_view body) {
  using Event = nlohmann::json::parse_event_t;
  const auto only_model = [](int depth, Event event, const nlohmann::json& parsed) {
    return depth != 1 || event != Event::key || parsed == "model";
  };
  const auto json = nlohmann::json::parse(body, only_model, /*allow_exceptions=*/false);
  const auto model = json.is_object() ? json.find("model") : json.end();
  return model != json.end() && model->is_string() ? model->get<std::string>() : "";
}

}  // namespace

Guard::Guard(asio::io_context& loop, GuardOptions options)
    : loop_(loop), options_(std::move(options)), fewer_(loop.get_executor()), closing_(loop) {
  for (const ServerOptions& server : options_.servers) {
    Turns* turns = nullptr;
    if (!server.exclusive.empty()) {
      auto& group = turns_[server.exclusive];
      if (!group)
        group = std::make_unique<Turns>(
            [this](std::function<void()> call) { asio::post(loop_, std::move(call)); }, Clock::now);
      turns = group.get();
    }
    servers_.push_back(std::make_unique<Server>(loop_, server, turns));
    servers_.back()->on_ended = [this] { server_ended(); };
    servers_.back()->on_failed = [this](const std::string& why) {
      if (on_failed) on_failed(why);
    };
  }
}

Guard::~Guard() = default;

Result<std::unique_ptr<Guard>> Guard::open(asio::io_context& loop, GuardOptions options) {
  TRY(std::vector<serve::ListenSocket> sockets, serve::listen_on(options.host, options.port));
  std::unique_ptr<Guard> guard(new Guard(loop, std::move(options)));
  for (serve::ListenSocket& socket : sockets) {
    const tcp protocol = socket.family() == AF_INET6 ? tcp::v6() : tcp::v4();
    guard->acceptors_.emplace_back(loop, protocol, socket.release());
  }
  for (tcp::acceptor& acceptor : guard->acceptors_)
    asio::co_spawn(loop, guard->accept(acceptor), asio::detached);
  if (guard->options_.start_now) guard->servers_.front()->begin();
  return guard;
}

std::vector<std::string> Guard::addresses() const {
  std::vector<std::string> addresses;
  for (const tcp::acceptor& acceptor : acceptors_) {
    const tcp::endpoint end = acceptor.local_endpoint();
    addresses.push_back(end.address().is_v6() ? fmt::format("[{}]:{}", end.address().to_string(), end.port())
                                              : fmt::format("{}:{}", end.address().to_string(), end.port()));
  }
  return addresses;
}

uint16_t Guard::port() const { return acceptors_.front().local_endpoint().port(); }

Task<void> Guard::accept(tcp::acceptor& acceptor) {
  while (!shutting_down_) {
    if (!make_room()) {
      fewer_.reset();
      co_await fewer_.wait();
      continue;
    }
    tcp::endpoint peer;
    auto [error, socket] = co_await acceptor.async_accept(peer, kTuple);
    if (error == asio::error::operation_aborted) co_return;
    if (error) {
      spdlog::warn("a connection can't be accepted: {}", error.message());
      asio::steady_timer timer(loop_, kAcceptAgain);
      co_await timer.async_wait(kTuple);
      continue;
    }
    auto relay = std::make_shared<Relay>(std::move(socket), peer.address().to_string(), *this);
    relays_.insert(relay.get());
    asio::co_spawn(loop_, relay->run(), [this, relay](std::exception_ptr) {
      relays_.erase(relay.get());
      fewer_.set();
      if (finishing_ && relays_.empty()) done();
    });
  }
}

void Guard::shut_down() {
  if (std::exchange(shutting_down_, true)) return;
  for (tcp::acceptor& acceptor : acceptors_) {
    ErrorCode ignored;
    acceptor.close(ignored);
  }
  fewer_.set();
  for (const auto& server : servers_) server->shut_down();
  server_ended();
}

void Guard::server_ended() {
  if (!shutting_down_) {
    const Server& first = *servers_.front();
    if (!options_.start_now || !first.never_ready() || !first.ended()) return;
    failure_ = first.never_ready();
    if (on_failed) on_failed(*failure_);
    return shut_down();
  }
  if (!std::ranges::all_of(servers_, &Server::ended) || std::exchange(finishing_, true)) return;
  for (Relay* relay : relays_) relay->finish();
  if (relays_.empty()) return done();
  closing_.expires_after(kLastAnswers);
  closing_.async_wait([this](ErrorCode error) {
    if (error) return;
    for (Relay* relay : relays_) relay->close();
  });
}

void Guard::done() {
  closing_.cancel();
  if (on_done) std::exchange(on_done, {})();
}

bool Guard::make_room() {
  if (relays_.size() < options_.max_connections) return true;
  Relay* longest = nullptr;
  for (Relay* relay : relays_)
    if (relay->waits_since() && (!longest || *relay->waits_since() < *longest->waits_since()))
      longest = relay;
  if (longest) longest->close();
  return false;
}

void Guard::kill() {
  for (const auto& server : servers_) server->end_now();
}

std::unique_ptr<serve::Exchange> Guard::own_answer(const serve::HttpRequest& request) {
  const auto json = [](const nlohmann::ordered_json& body) {
    return serve::reply({.headers = {}}, body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  };
  if (request.path == "/guard/status") return json(status_json(*this, Clock::now()));
  if (request.path == "/guard/metrics")
    return serve::reply({.content_type = "text/plain; version=0.0.4", .headers = {}},
                        metrics_text(*this, Clock::now()));
  if (request.path.starts_with("/guard/"))
    return serve::reply({.status = 404, .headers = {}},
                        R"({"error":{"message":"the guard has /guard/status and /guard/metrics"}})");
  if (servers_.size() > 1 && request.method == "GET" && request.path == "/v1/models")
    return json(models_json(*this));
  return nullptr;
}

bool Guard::needs_body(const serve::HttpRequest& request) const {
  return servers_.size() > 1 && (request.method == "POST" || request.method == "PUT");
}

Upstream* Guard::upstream_of(const serve::HttpRequest&, std::string_view body) {
  if (servers_.size() == 1 || body.empty()) return servers_.front().get();
  const std::string model = model_in(body);
  if (model.empty()) return servers_.front().get();
  for (const auto& server : servers_)
    if (std::ranges::find(server->options().models, model) != server->options().models.end())
      return server.get();
  return nullptr;
}

}  // namespace halcyon::guard

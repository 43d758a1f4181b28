// All of a guard: its servers, the proxy in front of them, and what it says of itself.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "guard/relay.h"
#include "guard/server.h"
#include "guard/turns.h"

namespace halcyon::guard {

struct GuardOptions {
  std::string host = "127.0.0.1";
  uint16_t port = 8080;                ///< 0: any that is free
  std::vector<ServerOptions> servers;  ///< the first is asked what names no model
  bool start_now = true;               ///< the first one, without a request
  double watts_per_core = 4;           ///< of an active core, for what is estimated
  size_t max_connections = 1024;       ///< further ones wait in the kernel's queue
};

class Guard final : public Router {
 public:
  /// Listens and starts the first server. Fails if the address can't be listened on.
  static Result<std::unique_ptr<Guard>> open(asio::io_context& loop, GuardOptions options);
  ~Guard() override;

  std::vector<std::string> addresses() const;  ///< "127.0.0.1:8080"
  const std::vector<std::unique_ptr<Server>>& servers() const { return servers_; }
  const GuardOptions& options() const { return options_; }

  /// No new requests; ends the servers. on_done() follows, and the event loop runs out of work.
  void shut_down();
  bool is_shutting_down() const { return shutting_down_; }
  void kill();  ///< what has not ended yet
  std::function<void()> on_done;

  uint16_t port() const;

  /// The first server never became ready, and why: the guard shuts down by itself then.
  const std::optional<std::string>& failure() const { return failure_; }

  /// Is called with the reason when a server is given up, or never became ready.
  std::function<void(const std::string& why)> on_failed;

  std::unique_ptr<serve::Exchange> own_answer(const serve::HttpRequest& request) override;
  bool needs_body(const serve::HttpRequest& request) const override;
  Upstream* upstream_of(const serve::HttpRequest& request, std::string_view body) override;

 private:
  Guard(asio::io_context& loop, GuardOptions options);
  Task<void> accept(tcp::acceptor& acceptor);
  void server_ended();
  bool make_room();  ///< for a connection, if need be by closing the one that has long been silent
  void done();

  asio::io_context& loop_;
  GuardOptions options_;
  std::map<std::string, std::unique_ptr<Turns>> turns_;  ///< by group
  std::vector<std::unique_ptr<Server>> servers_;
  std::vector<tcp::acceptor> acceptors_;
  std::set<Relay*> relays_;
  Signal fewer_;  ///< connections than the most
  std::optional<std::string> failure_;
  bool shutting_down_ = false, finishing_ = false;
  asio::steady_timer closing_;  ///< for the last answers
};

}  // namespace halcyon::guard

// One guarded server: its process, its state, and what is known of it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "energy/sensor.h"
#include "guard/account.h"
#include "guard/answers.h"
#include "guard/evidence.h"
#include "guard/turns.h"
#include "guard/upstream.h"
#include "process/server_process.h"

namespace halcyon::guard {

struct ServerOptions {
  std::string name = "server";
  std::vector<std::string> command;  ///< "{port}" in it becomes the port
  std::vector<std::string> models;   ///< whose requests are for it; empty: all
  std::string exclusive;             ///< those of one group take turns; empty: it is in none
  std::optional<uint64_t> memory;    ///< bytes that it needs to start; empty: what it last used
  uint16_t port = 0;                 ///< 0: a free one for each start
  std::string health = "/health";    ///< asked until it answers, with less than 500
  Clock::duration start_timeout = std::chrono::minutes(10);
  Clock::duration spin_after = std::chrono::seconds(30);  ///< steady use is spin, not work
  Policy policy;
  bool use_cgroup = true;
  std::vector<std::string> asleep = {"/health", "/v1/models", "/metrics"};  ///< answered while it sleeps
  energy::SensorOptions sensors;
};

class Server final : public Upstream, private Hands {
 public:
  /// `turns`: of its group, nullptr if it is in none.
  Server(asio::io_context& loop, ServerOptions options, Turns* turns);
  ~Server() override;

  const ServerOptions& options() const { return options_; }
  Machine& machine() { return machine_; }
  const Machine& machine() const { return machine_; }
  const Account& account() const { return account_; }
  std::optional<pid_t> pid() const;
  std::string_view freezer() const;                ///< "" before the first start
  const std::string& why() const { return why_; }  ///< it is in its state

  void begin();      ///< starts it
  void shut_down();  ///< ends it; ended() follows
  void end_now();    ///< SIGKILL
  bool ended() const { return process_ == nullptr; }

  /// Is called when the first start has failed for good, or a process has ended after shut_down().
  std::function<void()> on_ended;

  /// Is called when it is given up for a while, after too many crashes.
  std::function<void(const std::string& why)> on_failed;

  /// It did not become ready even once; why.
  const std::optional<std::string>& never_ready() const { return never_ready_; }

  std::unique_ptr<Ticket> admit() override;
  uint16_t port() const override { return port_; }
  Task<std::optional<std::string>> how_it_ended(Clock::duration patience) override;
  std::optional<Answers::Answer> sleeping_answer(const serve::HttpRequest& request) override;
  bool keeps(const serve::HttpRequest& request) const override { return answers_.keeps(request); }
  void keep(const serve::HttpRequest& request, std::string_view answer) override;

 private:
  class Place;  // the Ticket
  friend class Place;

  Result<void> start() override;
  void terminate() override;
  void kill() override;
  Result<void> freeze() override;
  Result<void> thaw() override;
  bool is_working() override;
  std::optional<std::string> burn_left() override;
  void pass(RequestId request) override;
  void refuse(RequestId request, const Refusal& refusal) override;
  void wake_at(std::optional<Time> time) override;
  void changed(State from, State to, const std::string& why) override;
  void cannot_freeze(const Error& error) override;
  void ask_for_turn() override;
  void turn_is_over() override;

  Result<void> launch();
  Task<void> wait_until_ready(uint64_t start);
  Task<void> wait_for_end(uint64_t start, int pidfd);
  Task<void> refresh_answers(uint64_t start);
  void process_ended();
  void log_change(State from, State to, const std::string& why) const;

  asio::io_context& loop_;
  const ServerOptions options_;
  Turns* const turns_;
  size_t turn_number_ = 0;
  Machine machine_;
  Account account_;
  Answers answers_;
  Evidence evidence_;
  IdleWatch idle_watch_;

  std::unique_ptr<process::ServerProcess> process_;
  uint64_t starts_ = 0;  ///< tells what was begun for an earlier process
  uint16_t port_ = 0;
  std::string gave_up_;  ///< why we end it ourselves
  std::optional<std::string> last_end_, never_ready_;
  bool was_ready_ = false, cgroup_refused_ = false, no_freezing_ = false;
  std::string freezer_, why_;
  uint64_t peak_memory_ = 0;

  std::map<RequestId, Place*> places_;
  RequestId next_request_ = 0;
  bool thawed_ = false;                       ///< and no request was passed yet
  std::optional<RequestId> thawing_request_;  ///< the one that thawed it, until its answer begins
  Time thawed_at_{};
  asio::steady_timer timer_;
  std::optional<Time> timer_time_;
  std::shared_ptr<Signal> end_;  ///< of the current process
  bool unlogged_idle_ = false;
  bool ending_ = false;   ///< we have told it to
  bool crashed_ = false;  ///< the last process, and none was ready since
  bool refresh_due_ = false;
};

}  // namespace halcyon::guard

#include "guard/server.h"

#include <spdlog/spdlog.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>

#include "base/quote.h"
#include "base/system.h"
#include "guard/local_get.h"
#include "measure/port.h"

namespace halcyon::guard {
namespace {

using namespace std::chrono_literals;
using namespace asio::experimental::awaitable_operators;

constexpr auto kHealthEvery = 100ms;
constexpr auto kHealthPatience = 2s;

bool is_taken(asio::io_context& loop, uint16_t port) {
  tcp::acceptor acceptor(loop);
  ErrorCode error;
  acceptor.open(tcp::v4(), error);
  acceptor.set_option(asio::socket_base::reuse_address(true), error);
  acceptor.bind({asio::ip::address_v4::loopback(), port}, error);
  return error == asio::error::address_in_use;
}

}  // namespace

/// Lives in the coroutine of its request; the server knows it by its number.
class Server::Place final : public Ticket {
 public:
  Place(Server& server, RequestId request)
      : server_(server), request_(request), decided_(server.loop_.get_executor()) {
    server_.places_[request_] = this;
    server_.machine_.on_request(request_, Clock::now());
  }
  ~Place() override {
    server_.places_.erase(request_);
    if (!refusal_) server_.machine_.on_left(request_, Clock::now());
  }

  Task<void> wait() override { return decided_.wait(); }
  bool passed() const override { return passed_; }
  const std::optional<Refusal>& refusal() const override { return refusal_; }
  void unsent() override {
    passed_ = false;
    decided_.reset();
    server_.machine_.on_unsent(request_, Clock::now());
  }
  void answer_began() override {
    if (server_.thawing_request_ != request_) return;
    server_.thawing_request_.reset();
    server_.account_.add_thaw(Clock::now() - server_.thawed_at_);
  }

  void pass() {
    passed_ = true;
    decided_.set();
  }
  void refuse(const Refusal& refusal) {
    refusal_ = refusal;
    decided_.set();
  }

 private:
  Server& server_;
  const RequestId request_;
  Signal decided_;
  bool passed_ = false;
  std::optional<Refusal> refusal_;
};

Server::Server(asio::io_context& loop, ServerOptions options, Turns* turns)
    : loop_(loop),
      options_(std::move(options)),
      turns_(turns),
      machine_(options_.policy, *this, turns != nullptr),
      account_(Clock::now()),
      answers_(options_.asleep),
      evidence_(options_.sensors),
      idle_watch_(options_.spin_after),
      timer_(loop),
      end_(std::make_shared<Signal>(loop.get_executor())) {
  if (turns_)
    turn_number_ = turns_->add({&machine_, [this] {
                                  const uint64_t needed = options_.memory.value_or(peak_memory_);
                                  return needed == 0 || needed <= available_memory();
                                }});
}

Server::~Server() = default;

std::optional<pid_t> Server::pid() const { return process_ ? std::optional(process_->pid()) : std::nullopt; }

std::string_view Server::freezer() const { return freezer_; }

void Server::begin() { machine_.begin(Clock::now()); }

void Server::shut_down() { machine_.shut_down(Clock::now()); }

void Server::end_now() { kill(); }

std::unique_ptr<Ticket> Server::admit() {
  ++account_.requests;
  return std::make_unique<Place>(*this, ++next_request_);
}

// What the machine wants.

Result<void> Server::start() {
  Result<void> launched = launch();
  if (!launched && !was_ready_) {
    never_ready_ = launched.error().message;
    if (on_ended) asio::post(loop_, on_ended);
  }
  return launched;
}

Result<void> Server::launch() {
  gave_up_.clear();
  last_end_.reset();
  ending_ = false;
  port_ = options_.port;
  if (port_ == 0) {
    TRY(port_, measure::free_port());
  } else if (const auto listener = probe::find_listener(port_); listener) {
    return fail("port {} is taken by process {}: give another --upstream-port", port_, *listener);
  } else if (is_taken(loop_, port_)) {  // by another user's, whose processes can't be seen
    return fail("port {} is taken: give another --upstream-port", port_);
  }
  process::ServerCommand command = {
      .words = measure::with_port(options_.command, port_), .log = {}, .control_group = {}};
  if (options_.use_cgroup && !cgroup_refused_) {
    auto group = process::make_control_group(options_.name);
    if (group) {
      command.control_group = std::move(*group);
    } else {
      cgroup_refused_ = true;
      spdlog::info("{}: freezes by SIGSTOP, since it gets no control group of its own ({})", options_.name,
                   group.error().message);
    }
  }
  auto started = process::ServerProcess::start(command);
  if (!started) {
    if (command.control_group) process::remove_control_group(*command.control_group);
    return forward_error(started);
  }
  process_ = std::move(*started);
  const uint64_t start = ++starts_;
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, process_->pid(), 0));
  if (pidfd < 0) {
    const int error = errno;
    process_->stop(0ms);
    process_.reset();
    return fail("its end can't be watched: pidfd_open (Linux 5.3): {}", ::strerrordesc_np(error));
  }
  freezer_ = process_->freezer();
  end_ = std::make_shared<Signal>(loop_.get_executor());
  evidence_.watch(process_->pid());
  idle_watch_.forget();
  refresh_due_ = true;
  asio::co_spawn(loop_, wait_for_end(start, pidfd), asio::detached);
  asio::co_spawn(loop_, wait_until_ready(start), asio::detached);
  return {};
}

Task<void> Server::wait_for_end(uint64_t start, int pidfd) {
  asio::posix::stream_descriptor end(loop_, pidfd);
  co_await end.async_wait(asio::posix::stream_descriptor::wait_read, kTuple);
  if (start == starts_ && process_) process_ended();
}

void Server::process_ended() {
  last_end_ = process_->ended().value_or("it ended");
  crashed_ = !ending_;
  if (!gave_up_.empty()) last_end_ = gave_up_;
  process_->stop(0ms);  // what it leaves behind
  process_.reset();
  end_->set();
  // The first thing that is wrong is the command, not the server: the user is told, and not held up.
  if (!was_ready_) never_ready_ = *last_end_;
  machine_.on_ended(*last_end_, Clock::now());
  if (on_ended) asio::post(loop_, on_ended);
}

Task<void> Server::wait_until_ready(uint64_t start) {
  const Time deadline = Clock::now() + options_.start_timeout;
  asio::steady_timer timer(loop_);
  std::string last = "it does not listen";
  while (start == starts_ && process_) {
    const auto answer = co_await local_get(port_, options_.health, kHealthPatience);
    if (start != starts_ || !process_) co_return;
    if (answer && answer->status < 500) {
      was_ready_ = true;
      crashed_ = false;
      co_return machine_.on_ready(Clock::now());
    }
    last = answer ? fmt::format("{} answers {}", options_.health, answer->status) : answer.error().message;
    if (Clock::now() >= deadline) {
      gave_up_ = fmt::format("it was not ready within {:.0f} s: {}",
                             std::chrono::duration<double>(options_.start_timeout).count(), last);
      process_->kill();
      co_return;
    }
    timer.expires_after(kHealthEvery);
    co_await timer.async_wait(kTuple);
  }
}

void Server::terminate() {
  ending_ = true;
  if (process_) process_->terminate();
}

void Server::kill() {
  ending_ = true;
  if (process_) process_->kill();
}

Result<void> Server::freeze() {
  if (!process_) return {};  // its end is on its way to the machine
  CHECK_OK(process_->freeze());
  evidence_.froze();
  return {};
}

Result<void> Server::thaw() {
  thawed_at_ = Clock::now();
  thawed_ = true;
  if (!process_) return {};
  return process_->thaw();
}

bool Server::is_working() {
  if (std::exchange(unlogged_idle_, false)) log_change(State::busy, State::idle, "");
  if (std::exchange(refresh_due_, false)) asio::co_spawn(loop_, refresh_answers(starts_), asio::detached);
  const auto look = evidence_.look();
  if (!look) return false;
  const bool works = idle_watch_.is_work(look->activity, Clock::now());
  if (const auto spin = idle_watch_.spin()) account_.set_spin(*spin);
  peak_memory_ = std::max(peak_memory_, look->rss_bytes);
  if (look->watts && !works) account_.set_idle_watts(*look->watts);
  return works;
}

std::optional<std::string> Server::burn_left() {
  Evidence::Frozen frozen = evidence_.look_at_frozen();
  if (frozen.watts) account_.set_frozen_watts(*frozen.watts);
  return std::move(frozen.burn);
}

void Server::pass(RequestId request) {
  if (std::exchange(thawed_, false)) thawing_request_ = request;
  if (const auto place = places_.find(request); place != places_.end()) place->second->pass();
}

void Server::refuse(RequestId request, const Refusal& refusal) {
  ++account_.refused;
  if (const auto place = places_.find(request); place != places_.end()) place->second->refuse(refusal);
}

void Server::wake_at(std::optional<Time> time) {
  if (time == timer_time_) return;
  timer_time_ = time;
  if (!time) {
    timer_.cancel();
    return;
  }
  timer_.expires_at(*time);
  timer_.async_wait([this, time](ErrorCode error) {
    if (error || timer_time_ != time) return;
    timer_time_.reset();
    machine_.on_time(Clock::now());
  });
}

void Server::changed(State from, State to, const std::string& why) {
  const Time now = Clock::now();
  account_.change(to, now);
  why_ = why;
  if (to == State::failed && on_failed) on_failed(why);
  if (to == State::idle) {
    evidence_.forget_last();
    idle_watch_.new_idle_time();
    refresh_due_ = true;
  }
  // Thousands of quick answers are one time of being busy: it is over when somebody looks at the idle server.
  if (from == State::busy && to == State::idle) {
    unlogged_idle_ = true;
    return;
  }
  if (std::exchange(unlogged_idle_, false)) {
    if (to == State::busy) return;
    log_change(State::busy, State::idle, "");
  }
  log_change(from, to, why);
}

void Server::log_change(State from, State to, const std::string& why) const {
  spdlog::log(to == State::failed ? spdlog::level::err : spdlog::level::info, "{}: {} → {}{}{}",
              options_.name, name_of(from), name_of(to), why.empty() ? "" : ": ", one_line(why));
}

void Server::cannot_freeze(const Error& error) {
  spdlog::warn("{}: can't be frozen, and stays awake: {}", options_.name, error.message);
}

void Server::ask_for_turn() { turns_->ask(turn_number_); }

void Server::turn_is_over() {
  if (turns_) turns_->over(turn_number_);
}

// What the proxy asks.

Task<std::optional<std::string>> Server::how_it_ended(Clock::duration patience) {
  if (process_) {
    const std::shared_ptr<Signal> end = end_;
    asio::steady_timer deadline(loop_, patience);
    co_await (end->wait() || deadline.async_wait(kTuple));
    if (!end->is_set()) co_return std::nullopt;
  }
  co_return last_end_;
}

std::optional<Answers::Answer> Server::sleeping_answer(const serve::HttpRequest& request) {
  // Whoever asks how a server is that has crashed is not told that all is well.
  if (machine_.is_awake() || crashed_) return std::nullopt;
  const Answers::Answer* answer = answers_.find(request);
  if (!answer) return std::nullopt;
  ++account_.from_memory;
  return *answer;
}

void Server::keep(const serve::HttpRequest& request, std::string_view answer) {
  answers_.keep(request, answer, Answers::Clock::now());
}

Task<void> Server::refresh_answers(uint64_t start) {
  for (const std::string& path : answers_.paths()) {
    if (start != starts_ || !machine_.is_awake()) co_return;
    const auto answer = co_await local_get(port_, path, kHealthPatience);
    if (answer && start == starts_)
      answers_.keep({.method = "GET", .path = path, .query = {}, .headers = {}, .body = {}, .peer = {}},
                    answer->bytes, Answers::Clock::now());
  }
}

}  // namespace halcyon::guard

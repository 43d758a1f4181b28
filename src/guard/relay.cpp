#include "guard/relay.h"

#include <netinet/tcp.h>

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/write.hpp>
#include <nlohmann/json.hpp>
#include <utility>

#include "serve/http_response.h"

namespace halcyon::guard {
namespace {

using namespace std::chrono_literals;
using namespace asio::experimental::awaitable_operators;

constexpr size_t kPiece = 16 << 10;            // read at once from a client, and held of one that waits
constexpr size_t kAnswerPiece = 64 << 10;      // read at once from a server
constexpr uint64_t kMaxRoutedBody = 64 << 20;  // of a request whose body says whose it is
constexpr size_t kMaxKept = 1 << 20;           // of an answer for monitors
constexpr auto kPatienceForAnEnd = 1s;         // from a broken connection to the end of the process
constexpr auto kLinger = 2s;
constexpr int kMaxUnsent = 3;
constexpr unsigned kStalledClient = 5 * 60 * 1000;  // ms without taking a byte of an answer

std::string error_body(const std::string& message, std::string_view type, int status) {
  return nlohmann::ordered_json{{"error", {{"message", message}, {"type", type}, {"code", status}}}}.dump(
      -1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

/// Its end is noticed by the peer as a broken connection, not as the end of what was sent.
void abort(tcp::socket& socket) {
  ErrorCode ignored;
  socket.set_option(asio::socket_base::linger(true, 0), ignored);
  socket.close(ignored);
}

}  // namespace

Relay::Relay(tcp::socket client, std::string peer, Router& router)
    : client_(std::move(client)), peer_(std::move(peer)), router_(router) {
  ErrorCode ignored;
  client_.set_option(tcp::no_delay(true), ignored);
  // The kernel notices what has gone without a word, or stalls: nothing here has to wake up for that.
  client_.set_option(asio::socket_base::keep_alive(true), ignored);
  ::setsockopt(client_.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &kStalledClient,
               sizeof kStalledClient);
}

void Relay::close() {
  ErrorCode ignored;
  client_.close(ignored);
}

Task<void> Relay::run() {
  while (!gone_ && !finishing_) {
    RequestReader reader(peer_);
    waits_since_ = Clock::now();
    if (!co_await read_head(reader)) break;
    if (!co_await answer(reader.head())) break;
  }
  close();
}

void Relay::finish() {
  finishing_ = true;
  if (waits_since_) close();
}

Task<bool> Relay::read_more() {
  if (ended_) co_return false;
  const size_t before = in_.size();
  in_.resize(before + kPiece);
  const auto [error, n] = co_await client_.async_read_some(asio::buffer(in_.data() + before, kPiece), kTuple);
  in_.resize(before + n);
  if (error && error != asio::error::operation_aborted) {
    ended_ = true;
    gone_ = error != asio::error::eof;
  }
  co_return !error;
}

Task<bool> Relay::read_head(RequestReader& reader) {
  while (true) {
    in_.erase(0, reader.take(in_));
    if (reader.done() || reader.failed()) waits_since_.reset();
    if (reader.done()) co_return true;
    if (reader.failed()) break;
    if (!co_await read_more()) co_return false;
  }
  const RequestHead unknown;
  co_await refuse(unknown, reader.status(), reader.message());
  co_await linger();
  co_return false;
}

Task<bool> Relay::read_whole_body(RequestHead& head) {
  if (head.expects_continue) co_await send("HTTP/1.1 100 Continue\r\n\r\n");
  BodyScanner body = head.body;
  while (true) {
    const size_t n = body.take(in_);
    held_.append(in_, 0, n);
    in_.erase(0, n);
    if (body.done()) co_return true;
    if (body.broken() || held_.size() > kMaxRoutedBody || !co_await read_more()) co_return false;
  }
}

Task<bool> Relay::answer(RequestHead head) {
  begun_ = whole_ = keep_alive_ = body_sent_ = body_broken_ = until_close_ = false;
  held_.clear();
  if (auto own = router_.own_answer(head.request)) co_return co_await reply(head, std::move(own));
  Upstream* upstream = nullptr;
  if (router_.needs_body(head.request)) {
    if (!co_await read_whole_body(head)) {
      if (gone_ || ended_) co_return false;
      co_return co_await refuse(head, 413, "the body of this request is broken or too long");
    }
    serve::RequestParser parser({.max_header = kMaxHead, .max_body = kMaxRoutedBody * 2}, peer_);
    std::string_view bytes = head.bytes;
    parser.parse(bytes);
    parser.parse(held_);
    const std::string body = parser.take().body;
    upstream = router_.upstream_of(head.request, body);
  } else {
    upstream = router_.upstream_of(head.request, "");
  }
  if (!upstream)
    co_return co_await refuse(head, 404, "no server here has this model; /v1/models lists those there are");
  if (const auto sleeping = upstream->sleeping_answer(head.request)) {
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(Answers::Clock::now() - sleeping->at);
    serve::HttpHead answer{.status = sleeping->status, .content_type = sleeping->content_type, .headers = {}};
    answer.headers.emplace_back("Age", std::to_string(age.count()));
    answer.headers.emplace_back("X-Halcyon-Guard", "the last good answer: the server sleeps");
    co_return co_await reply(head, serve::reply(std::move(answer), sleeping->body));
  }
  co_return co_await pass_on(head, *upstream);
}

Task<bool> Relay::pass_on(RequestHead& head, Upstream& upstream) {
  std::unique_ptr<Ticket> ticket = upstream.admit();
  for (int tries = 0;; ++tries) {
    if (!co_await wait_for(*ticket)) co_return false;
    if (ticket->refusal())
      co_return co_await refuse(head, ticket->refusal()->status, ticket->refusal()->message,
                                ticket->refusal()->retry_after);
    const Outcome outcome = co_await exchange(head, upstream, *ticket);
    if (outcome == Outcome::client_gone) co_return false;
    if (outcome == Outcome::answered) {
      ticket.reset();
      if (!kept_.empty()) upstream.keep(head.request, kept_);
      if (keep_alive_ && body_sent_ && !ended_) co_return true;
      co_await linger();
      co_return false;
    }
    if (outcome == Outcome::client_broken) {
      ticket.reset();
      if (begun_) co_return false;
      co_return co_await refuse(head, 400, "the chunks of this request have no valid sizes");
    }
    const auto how = co_await upstream.how_it_ended(kPatienceForAnEnd);
    if (outcome == Outcome::nothing_sent && how && tries < kMaxUnsent) {
      ticket->unsent();
      continue;
    }
    ticket.reset();
    if (begun_) {
      // What the client has is not whole, and it must be able to see that.
      if (until_close_) abort(client_);
      co_return false;
    }
    if (how) problem_ = "the server is gone: " + *how;
    co_return co_await refuse(head, 502, problem_);
  }
}

Task<bool> Relay::wait_for(Ticket& ticket) {
  while (!ticket.passed() && !ticket.refusal()) {
    co_await (ticket.wait() || watch_client());
    if (ended_) co_return false;
  }
  co_return true;
}

Task<void> Relay::watch_client() {
  if (ended_) co_return;
  while (in_.size() < kPiece)
    if (!co_await read_more()) co_return;
  // It sends more than it should now; when it leaves is only seen when it is written to.
  Signal never(client_.get_executor());
  co_await never.wait();
}

Task<Relay::Outcome> Relay::exchange(const RequestHead& head, Upstream& upstream, Ticket& ticket) {
  tcp::socket server(client_.get_executor());
  problem_.clear();
  kept_.clear();
  tunnel_.emplace(client_.get_executor());
  const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), upstream.port());
  if (const auto [error] = co_await server.async_connect(endpoint, kTuple); error) {
    problem_ = fmt::format("the server does not answer on port {}: {}", upstream.port(), error.message());
    co_return Outcome::nothing_sent;
  }
  ErrorCode ignored;
  server.set_option(tcp::no_delay(true), ignored);
  co_await (receive_answer(head, server, ticket, upstream.keeps(head.request)) || send_request(head, server));
  if (whole_) co_return Outcome::answered;
  abort(server);
  if (body_broken_) co_return Outcome::client_broken;
  co_return gone_ ? Outcome::client_gone : Outcome::server_gone;
}

Task<void> Relay::send_request(const RequestHead& head, tcp::socket& server) {
  // A broken connection is for receive_answer() to notice: the answer may have come before.
  BodyScanner body = head.body;
  bool server_listens = true;
  const auto pass = [&](std::string_view bytes) -> Task<void> {
    if (!server_listens || bytes.empty()) co_return;
    const auto [error, n] = co_await asio::async_write(server, asio::buffer(bytes), kTuple);
    server_listens = !error;
  };
  body.take(held_);
  std::string first = head.bytes + held_;
  const size_t there = body.done() ? 0 : body.take(in_);
  first.append(in_, 0, there);
  in_.erase(0, there);
  co_await pass(first);
  while (!body.done() && !body.broken()) {
    if (!co_await read_more()) break;
    const size_t n = body.take(in_);
    const std::string piece = in_.substr(0, n);
    in_.erase(0, n);
    co_await pass(piece);
  }
  body_sent_ = body.done();
  body_broken_ = body.broken();
  if (body_broken_) co_return;
  co_await (watch_client() || tunnel_->wait());
  while (tunnel_->is_set() && (!in_.empty() || co_await read_more())) {
    const std::string piece = std::exchange(in_, {});
    co_await pass(piece);
  }
  if (gone_) co_return;
  // It has finished sending, or has left: the server sees it as it would without a proxy.
  ErrorCode ignored;
  server.shutdown(tcp::socket::shutdown_send, ignored);
  Signal never(client_.get_executor());
  co_await never.wait();
}

Task<void> Relay::receive_answer(const RequestHead& head, tcp::socket& server, Ticket& ticket, bool keep) {
  std::string buffer;
  AnswerHead answer;
  bool in_body = false;
  std::array<char, kAnswerPiece> piece;
  while (true) {
    const auto [error, n] = co_await server.async_read_some(asio::buffer(piece), kTuple);
    if (error == asio::error::operation_aborted) co_return;
    if (error) {
      problem_ = fmt::format("the server closed the connection {}: {}",
                             begun_ ? "in the middle of its answer" : "without an answer", error.message());
      whole_ = in_body && answer.body.ends_with_connection() && error == asio::error::eof;
      co_return;
    }
    if (!in_body && buffer.empty()) ticket.answer_began();
    std::string_view bytes(piece.data(), n);
    std::string_view passed = bytes;
    if (!in_body) {
      buffer += bytes;
      passed = {};
      for (size_t used = 0; !in_body;) {
        const auto read = read_answer_head(std::string_view(buffer).substr(used), head.request.method);
        if (!read) {
          problem_ = "the server does not speak HTTP: " + read.error().message;
          co_return;
        }
        if (read->bytes == 0) {
          if (used > 0 && !co_await send(std::string_view(buffer).substr(0, used))) co_return;
          buffer.erase(0, used);
          break;
        }
        used += read->bytes;
        if (read->head.is_interim()) continue;
        answer = read->head;
        in_body = true;
        keep_alive_ = head.keep_alive && answer.keep_alive && !answer.is_tunnel;
        if (answer.is_tunnel) {
          answer.body = BodyScanner::until_close();
          tunnel_->set();
        }
        until_close_ = answer.body.ends_with_connection();
        passed = buffer;
        bytes = passed.substr(used);
      }
      if (!in_body) continue;
    }
    const size_t of_body = answer.body.take(bytes);
    passed.remove_suffix(bytes.size() - of_body);  // what a server sends behind an answer is nobody's
    keep = keep && kept_.size() + passed.size() <= kMaxKept;
    if (keep)
      kept_ += passed;
    else
      kept_.clear();
    begun_ = true;
    if (!co_await send(passed)) co_return;
    if (answer.body.broken()) {
      problem_ = "the server's answer is broken: its chunks have no valid sizes";
      co_return;
    }
    if (answer.body.done() && !until_close_) {
      whole_ = true;
      co_return;
    }
  }
}

Task<bool> Relay::send(std::string_view bytes) {
  const auto [error, n] = co_await asio::async_write(client_, asio::buffer(bytes), kTuple);
  if (error && error != asio::error::operation_aborted) gone_ = true;
  co_return !error;
}

Task<bool> Relay::reply(const RequestHead& head, std::unique_ptr<serve::Exchange> exchange) {
  const auto output = exchange->poll();
  BodyScanner body = head.body;
  body.take(held_);
  if (!body.done()) in_.erase(0, body.take(in_));
  // A body that is not there yet is not waited for.
  const bool keeps = head.keep_alive && body.done() && !ended_;
  std::string bytes;
  serve::append_head(bytes, exchange->head(), serve::Framing::length, output.body.size(), keeps);
  if (head.request.method != "HEAD") bytes += output.body;
  const bool sent = co_await send(bytes);
  if (sent && !keeps) co_await linger();
  const bool goes_on = sent && keeps;
  co_return goes_on;
}

Task<bool> Relay::refuse(const RequestHead& head, int status, std::string message,
                         std::chrono::seconds retry_after) {
  serve::HttpHead answer{.status = status, .headers = {}};
  if (retry_after.count() > 0)
    answer.headers.emplace_back("Retry-After", std::to_string(retry_after.count()));
  answer.headers.emplace_back("X-Halcyon-Guard", "refused");
  const std::string_view type = status < 500 ? "invalid_request_error" : "server_error";
  co_return co_await reply(head, serve::reply(std::move(answer), error_body(message, type, status)));
}

Task<void> Relay::linger() {
  // Closing with something unread would take the answer from the client before it has read it.
  ErrorCode ignored;
  client_.shutdown(tcp::socket::shutdown_send, ignored);
  const auto drain = [this]() -> Task<void> {
    do in_.clear();
    while (co_await read_more());
  };
  asio::steady_timer timer(client_.get_executor(), kLinger);
  if (!ended_) co_await (drain() || timer.async_wait(kTuple));
}

}  // namespace halcyon::guard

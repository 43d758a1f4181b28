#include "guard/local_get.h"

#include <array>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/write.hpp>

#include "guard/heads.h"

namespace halcyon::guard {
namespace {

using namespace asio::experimental::awaitable_operators;

constexpr size_t kMost = 2 << 20;  // bytes of an answer

Task<Result<LocalAnswer>> get(uint16_t port, std::string path) {
  tcp::socket socket(co_await asio::this_coro::executor);
  const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
  if (const auto [error] = co_await socket.async_connect(endpoint, kTuple); error)
    co_return fail("it does not listen on port {}", port);
  const std::string request =
      fmt::format("GET {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n", path, port);
  if (const auto [error, n] = co_await asio::async_write(socket, asio::buffer(request), kTuple); error)
    co_return fail("it closes connections on port {}", port);
  LocalAnswer answer;
  std::optional<AnswerHead> head;
  std::array<char, 16 << 10> piece;
  while (answer.bytes.size() < kMost) {
    const auto [error, n] = co_await socket.async_read_some(asio::buffer(piece), kTuple);
    answer.bytes.append(piece.data(), n);
    std::string_view body(piece.data(), n);
    if (!head) {
      const auto read = read_answer_head(answer.bytes, "GET");
      if (!read) co_return fail("{}", read.error().message);
      if (read->bytes > 0) {
        head = read->head;
        answer.status = head->status;
        body = std::string_view(answer.bytes).substr(read->bytes);
      }
    }
    if (head) {
      head->body.take(body);
      if ((head->body.done() && !head->body.ends_with_connection()) || error) co_return answer;
    } else if (error) {
      co_return fail("it closes connections on port {} without an answer", port);
    }
  }
  co_return fail("its answer is endless");
}

}  // namespace

Task<Result<LocalAnswer>> local_get(uint16_t port, std::string path, Clock::duration patience) {
  asio::steady_timer timer(co_await asio::this_coro::executor, patience);
  auto first = co_await (get(port, std::move(path)) || timer.async_wait(kTuple));
  if (first.index() == 0) co_return std::move(std::get<0>(first));
  co_return fail("it does not answer within {:.0f} s", std::chrono::duration<double>(patience).count());
}

}  // namespace halcyon::guard

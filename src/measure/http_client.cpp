#include "measure/http_client.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <optional>

#include "base/quote.h"
#include "measure/resolve.h"

namespace halcyon::measure {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

/// What went wrong, in words that say who did it.
std::string describe(error_code error) {
  if (error == asio::error::connection_refused) return "connection refused: nobody listens there";
  if (error == asio::error::eof || error == http::error::end_of_stream)
    return "the server closed the connection without an answer";
  if (error == http::error::partial_message || error == asio::ssl::error::stream_truncated)
    return "the server closed the connection in the middle of its answer";
  if (error == asio::error::connection_reset || error == asio::error::broken_pipe)
    return "the server broke off the connection";
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return "the head of the answer does not end";
  if (error.category() == http::make_error_code(http::error::bad_version).category())
    return fmt::format("the answer is not HTTP/1.1 ({})", error.message());
  if (error.category() == asio::error::get_ssl_category()) return "TLS: " + error.message();
  return error.message();
}

HttpPatience hurried(HttpPatience patience) {
  for (auto* wait : {&patience.connect, &patience.head, &patience.between, &patience.whole})
    *wait = std::min(*wait, patience.get);
  return patience;
}

/// One connection for one request. Every step is waited for here, in this thread.
class Connection {
 public:
  Connection(const Url& url, const HttpPatience& patience, std::stop_token stop)
      : url_(url), patience_(patience), whole_(Clock::now() + patience.whole), stop_(std::move(stop)) {}

  Result<void> open() {
    TRY(const std::vector<tcp::endpoint> endpoints,
        resolve(url_.host, url_.port, Clock::now() + patience_.connect, stop_));
    CHECK_OK(wait([&](auto done) { asio::async_connect(socket_, endpoints, done); }, patience_.connect,
                  "connecting"));
    error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    return url_.tls ? handshake() : Result<void>{};
  }

  Result<void> send(const http::request<http::string_body>& request) {
    return wait([&](auto done) { with_stream([&](auto& s) { http::async_write(s, request, done); }); },
                patience_.head, "sending the request");
  }

  Result<HttpAnswer> receive(const HttpOptions& options, const OnBytes* on_bytes) {
    http::response_parser<http::buffer_body> parser;
    parser.header_limit(options.max_head);
    parser.body_limit(boost::none);  // counted below
    CHECK_OK(wait(
        [&](auto done) { with_stream([&](auto& s) { http::async_read_header(s, buffer_, parser, done); }); },
        patience_.head, "the answer"));
    HttpAnswer answer;
    answer.status = static_cast<int>(parser.get().result_int());
    answer.content_type = parser.get()[http::field::content_type];
    if (http::to_status_class(parser.get().result()) == http::status_class::redirection)
      return fail("the server redirects to {}; give that address instead",
                  quote(std::string_view(parser.get()[http::field::location])));
    std::array<char, 16 << 10> piece;
    uint64_t size = 0;
    while (!parser.is_done()) {
      parser.get().body() = {.data = piece.data(), .size = piece.size(), .more = true};
      const Result<void> read = wait(
          [&](auto done) { with_stream([&](auto& s) { http::async_read_some(s, buffer_, parser, done); }); },
          patience_.between, "the rest of the answer");
      const std::string_view bytes(piece.data(), piece.size() - parser.get().body().size);
      size += bytes.size();
      if (size > options.max_body) return fail("the answer is longer than {} bytes", options.max_body);
      if (on_bytes && answer.status == 200 && !bytes.empty())
        CHECK_OK((*on_bytes)(bytes, Clock::now()));
      else
        answer.body += bytes;
      CHECK_OK(read);
    }
    return answer;
  }

 private:
  Result<void> handshake() {
    error_code error;
    context_.emplace(asio::ssl::context::tls_client);
    context_->set_default_verify_paths(error);
    context_->set_verify_mode(asio::ssl::verify_peer);
    tls_.emplace(socket_, *context_);
    tls_->set_verify_callback(asio::ssl::host_name_verification(url_.host));
    SSL_set_tlsext_host_name(tls_->native_handle(), url_.host.c_str());
    return wait([&](auto done) { tls_->async_handshake(asio::ssl::stream_base::client, done); },
                patience_.connect, "the TLS handshake");
  }

  template <class Use>
  void with_stream(Use&& use) {
    if (tls_)
      use(*tls_);
    else
      use(socket_);
  }

  /// Starts an operation and sleeps until it is done, has taken too long, or the request is stopped.
  template <class Start>
  Result<void> wait(Start&& start, std::chrono::milliseconds longest, std::string_view what) {
    std::optional<error_code> result;
    start([&result](error_code error, auto&&...) { result = error; });
    const Clock::time_point deadline = std::min(Clock::now() + longest, whole_);
    io_.restart();
    while (!result && !stop_.stop_requested() && Clock::now() < deadline) io_.run_one_until(deadline);
    if (result && (!*result || *result == http::error::need_buffer)) return {};
    if (result) return fail("{}", describe(*result));
    error_code ignored;
    socket_.close(ignored);
    io_.restart();
    io_.run();  // the operation ends with an error, and lets go of what is on this stack
    if (stop_.stop_requested()) return fail("stopped");
    if (deadline == whole_) return fail("the whole answer took longer than {}", seconds(patience_.whole));
    return fail("{} took longer than {}", what, seconds(longest));
  }

  static std::string seconds(std::chrono::milliseconds time) {
    return fmt::format("{:.3g} s", std::chrono::duration<double>(time).count());
  }

  const Url& url_;
  const HttpPatience patience_;
  const Clock::time_point whole_;
  const std::stop_token stop_;
  asio::io_context io_{1};
  tcp::socket socket_{io_};
  std::optional<asio::ssl::context> context_;
  std::optional<asio::ssl::stream<tcp::socket&>> tls_;
  beast::flat_buffer buffer_{256 << 10};
  std::stop_callback<std::function<void()>> wake_{stop_, [this] { asio::post(io_, [] {}); }};
};

}  // namespace

struct HttpClient::Impl {
  Url url;
  HttpOptions options;
  std::stop_token stop;

  Result<HttpAnswer> exchange(http::verb method, std::string_view path, std::string_view json,
                              const OnBytes* on_bytes) {
    http::request<http::string_body> request(method, url.path + std::string(path), 11);
    request.set(http::field::host, url.authority());
    request.set(http::field::user_agent, "halcyon-measure");
    request.set(http::field::connection, "close");
    if (!options.api_key.empty()) request.set(http::field::authorization, "Bearer " + options.api_key);
    if (method == http::verb::post) {
      request.set(http::field::content_type, "application/json");
      request.body() = json;
      request.prepare_payload();
    }
    Connection connection(url, method == http::verb::get ? hurried(options.patience) : options.patience,
                          stop);
    CHECK_OK(connection.open());
    const Clock::time_point sent = Clock::now();
    CHECK_OK(connection.send(request));
    TRY(HttpAnswer answer, connection.receive(options, on_bytes));
    answer.sent = sent;
    return answer;
  }

  Result<HttpAnswer> run(http::verb method, std::string_view path, std::string_view json,
                         const OnBytes* on_bytes) {
    Result<HttpAnswer> answer;
    try {
      answer = exchange(method, path, json, on_bytes);
    } catch (const std::exception& error) {
      answer = fail("{}", error.what());
    }
    if (!answer)
      return std::unexpected(
          std::move(answer.error())
              .in(fmt::format("{} {}{}", std::string_view(http::to_string(method)), url.text(), path)));
    return answer;
  }
};

HttpClient::HttpClient(Url url, HttpOptions options, std::stop_token stop)
    : impl_(std::make_unique<Impl>(std::move(url), std::move(options), std::move(stop))) {}
HttpClient::~HttpClient() = default;

const Url& HttpClient::url() const { return impl_->url; }
const std::stop_token& HttpClient::stop() const { return impl_->stop; }

Result<HttpAnswer> HttpClient::get(std::string_view path) {
  return impl_->run(http::verb::get, path, "", nullptr);
}

Result<HttpAnswer> HttpClient::post(std::string_view path, std::string_view json) {
  return impl_->run(http::verb::post, path, json, nullptr);
}

Result<HttpAnswer> HttpClient::stream(std::string_view path, std::string_view json, const OnBytes& on_bytes) {
  return impl_->run(http::verb::post, path, json, &on_bytes);
}

}  // namespace halcyon::measure

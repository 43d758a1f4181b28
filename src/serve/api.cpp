#include "serve/api.h"

#include <spdlog/spdlog.h>
#include <strings.h>

#include <algorithm>
#include <chrono>

#include "base/quote.h"

namespace halcyon::serve {
namespace {

using Clock = std::chrono::steady_clock;

/// Bytes of a body from which on others might wait noticeably for what is done with it.
constexpr size_t kLargeBody = 64 << 10;

/// Ollama's paths begin with /api/.
Dialect dialect_of(std::string_view path) {
  return path.starts_with("/api/") ? Dialect::ollama : Dialect::openai;
}

std::string_view bearer(const HttpRequest& request) {
  constexpr std::string_view scheme = "Bearer ";  // whatever the case: RFC 9110, section 11.1
  const std::string_view header = request.header("Authorization");
  if (::strncasecmp(header.data(), scheme.data(), std::min(header.size(), scheme.size())) == 0 &&
      header.size() > scheme.size())
    return header.substr(scheme.size());
  return request.header("X-Api-Key");
}

bool matches(std::string_view route, std::string_view path) {
  return route == path || (route.size() > 1 && route.ends_with('/') && path.starts_with(route));
}

/// Adds headers to an exchange, counts it, and notes in the log how it went.
class Observed final : public Exchange {
 public:
  Observed(std::unique_ptr<Exchange> inner, Metrics& metrics, std::string what,
           std::vector<std::pair<std::string, std::string>> headers)
      : inner_(std::move(inner)), metrics_(metrics), what_(std::move(what)), headers_(std::move(headers)) {}

  ~Observed() override {
    const double ms = std::chrono::duration<double, std::milli>(Clock::now() - start_).count();
    if (head_) metrics_.count(head_->status);
    spdlog::info("{} {} {} bytes {:.1f} ms{}", what_, head_ ? std::to_string(head_->status) : "-", bytes_, ms,
                 done_ ? "" : " (the client left)");
  }

  Output poll() override {
    Output output = inner_->poll();
    if (!head_ && (output.done || !output.body.empty())) {
      head_ = inner_->head();
      head_->headers.insert(head_->headers.end(), headers_.begin(), headers_.end());
    }
    bytes_ += output.body.size();
    done_ = output.done;
    return output;
  }

  const HttpHead& head() const override { return *head_; }

 private:
  std::unique_ptr<Exchange> inner_;
  Metrics& metrics_;
  const std::string what_;
  const std::vector<std::pair<std::string, std::string>> headers_;
  const Clock::time_point start_ = Clock::now();
  std::optional<HttpHead> head_;
  size_t bytes_ = 0;
  bool done_ = false;
};

}  // namespace

Api::Api(ModelStore& models, ApiOptions options)
    : options_(std::move(options)),
      admission_(models.size(), options_.n_parallel + options_.max_queue),
      services_{models, admission_} {
  add_routes();
}

Api::~Api() = default;

void Api::get(std::string path, std::function<Outcome<std::unique_ptr<Exchange>>(const HttpRequest&)> handler,
              bool open) {
  routes_.push_back({.method = "GET",
                     .path = std::move(path),
                     .handler = [handler = std::move(handler)](const HttpRequest& request,
                                                               Wake) { return handler(request); },
                     .open = open});
}

void Api::post(std::string path, PostHandler handler) {
  routes_.push_back({.method = "POST",
                     .path = std::move(path),
                     .handler = [this, handler = std::move(handler)](const HttpRequest& request, Wake wake)
                         -> Outcome<std::unique_ptr<Exchange>> {
                       TRY(const Json body, of_request(parse_json(request.body)));
                       return handler(services_, body, client_of(request), std::move(wake));
                     }});
}

void Api::unsupported(std::string method, std::string path, std::string why) {
  routes_.push_back({.method = std::move(method),
                     .path = path,
                     .handler = [path, why = std::move(why)](const HttpRequest&,
                                                             Wake) -> Outcome<std::unique_ptr<Exchange>> {
                       return serve::refuse(ErrorKind::not_supported, "{} is not supported: {}", path, why);
                     }});
}

Outcome<const Api::Route*> Api::find(const HttpRequest& request) const {
  const std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);
  std::string allowed;
  for (const Route& route : routes_) {
    if (!matches(route.path, request.path)) continue;
    if (route.method == method) return &route;
    allowed += (allowed.empty() ? "" : ", ") + route.method;
  }
  if (allowed.empty()) return serve::refuse(ErrorKind::not_found, "there is no {} here", quote(request.path));
  return serve::refuse(ErrorKind::wrong_method, "{} takes {}, not {}", quote(request.path), allowed,
                       quote(request.method));
}

Outcome<void> Api::check_key(const HttpRequest& request, const Route& route) const {
  if (!options_.keys || route.open || options_.keys->contains(bearer(request))) return {};
  return serve::refuse(ErrorKind::unauthorized,
                       "a valid API key is needed: \"Authorization: Bearer KEY\" or \"X-Api-Key: KEY\"");
}

/// Whose turn it is goes by the key, or by the address where there are no keys.
std::string Api::client_of(const HttpRequest& request) const {
  return options_.keys ? std::string(bearer(request)) : request.peer;
}

std::unique_ptr<Exchange> Api::preflight(const HttpRequest& request) const {
  const std::string_view wanted = request.header("Access-Control-Request-Headers");
  HttpHead head{.status = 204, .content_type = "", .headers = {}};
  head.headers.emplace_back("Access-Control-Allow-Methods", "GET, POST, DELETE, OPTIONS");
  head.headers.emplace_back("Access-Control-Allow-Headers", wanted.empty() ? "*" : std::string(wanted));
  head.headers.emplace_back("Access-Control-Max-Age", "86400");
  return reply(std::move(head), "");
}

std::unique_ptr<Exchange> Api::finish(const HttpRequest& request, std::unique_ptr<Exchange> exchange) {
  std::vector<std::pair<std::string, std::string>> headers;
  const std::string origin(request.header("Origin"));
  const bool all = std::ranges::find(options_.cors, "*") != options_.cors.end();
  if (!origin.empty() && (all || std::ranges::find(options_.cors, origin) != options_.cors.end())) {
    headers.emplace_back("Access-Control-Allow-Origin", all ? "*" : origin);
    headers.emplace_back("Vary", "Origin");
  }
  return std::make_unique<Observed>(
      std::move(exchange), metrics_,
      fmt::format("{} {} {}", request.peer, request.method, quote(request.path)), std::move(headers));
}

std::unique_ptr<Exchange> Api::refuse(const HttpRequest& request) {
  if (request.method == "OPTIONS" && !options_.cors.empty()) return finish(request, preflight(request));
  const Outcome<const Route*> route = find(request);
  if (!route) return finish(request, error_reply(dialect_of(request.path), route.error()));
  if (const Outcome<void> known = check_key(request, **route); !known)
    return finish(request, error_reply(dialect_of(request.path), known.error()));
  return nullptr;
}

std::unique_ptr<Exchange> Api::answer(const HttpRequest& request, Wake wake) {
  const auto exchange = [&]() -> Outcome<std::unique_ptr<Exchange>> {
    try {
      TRY(const Route* route, find(request));
      return route->handler(request, std::move(wake));
    } catch (const std::bad_alloc&) {
      return serve::refuse(ErrorKind::unavailable, "there is no memory for this request");
    } catch (const std::exception& error) {
      return serve::refuse(ErrorKind::server, "the request failed: {}", error.what());
    }
  };
  Outcome<std::unique_ptr<Exchange>> made = exchange();
  return made ? std::move(*made) : error_reply(dialect_of(request.path), made.error());
}

std::unique_ptr<Exchange> Api::handle(HttpRequest request, Wake wake) {
  if (request.body.size() <= kLargeBody) return finish(request, answer(request, std::move(wake)));
  const auto large = std::make_shared<const HttpRequest>(std::move(request));
  return finish(*large, off_thread(
                            worker_, [this, large](Wake inner) { return answer(*large, std::move(inner)); },
                            std::move(wake)));
}

std::unique_ptr<Exchange> Api::fail(int status, std::string_view path, std::string message) {
  metrics_.count(status);
  HttpHead head{.status = status, .headers = {}};
  if (dialect_of(path) == Dialect::ollama) return reply(std::move(head), to_text({{"error", message}}));
  return reply(std::move(head),
               to_text({{"error",
                         {{"code", status},
                          {"message", message},
                          {"type", status >= 500 ? "server_error" : "invalid_request_error"}}}}));
}

}  // namespace halcyon::serve

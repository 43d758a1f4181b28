// The API behind the HTTP server: which path is whose, who may ask, and what is noted of it.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "serve/api_keys.h"
#include "serve/dialect.h"
#include "serve/generation_exchange.h"
#include "serve/metrics.h"
#include "serve/off_thread.h"

namespace halcyon::serve {

struct ApiOptions {
  std::optional<ApiKeys> keys;             ///< none: anybody may ask
  std::vector<std::string> cors;           ///< origins of pages that may read answers; "*": all
  bool metrics = false;                    ///< GET /metrics is there
  int32_t n_parallel = 1;                  ///< requests that a model works on at once
  int32_t max_queue = 64;                  ///< and such that wait for it
  std::shared_ptr<energy::Ledger> ledger;  ///< what answers cost; nullptr: that is not known
};

class Api final : public HttpApp {
 public:
  /// `models` must outlive it.
  Api(ModelStore& models, ApiOptions options);
  ~Api() override;

  std::unique_ptr<Exchange> refuse(const HttpRequest& request) override;
  std::unique_ptr<Exchange> handle(HttpRequest request, Wake wake) override;
  std::unique_ptr<Exchange> fail(int status, std::string_view path, std::string message) override;

  /// What /metrics says of the server itself comes from here.
  void count_connections(std::function<int64_t()> connections) {
    metrics_.connections = std::move(connections);
  }

 private:
  using Handler = std::function<Outcome<std::unique_ptr<Exchange>>(const HttpRequest& request, Wake wake)>;
  using PostHandler = std::function<Outcome<std::unique_ptr<Exchange>>(
      const Services& services, const Json& body, std::string client, Wake wake)>;
  struct Route {
    std::string method, path;  ///< a path that ends in '/' stands for all below it
    Handler handler;
    bool open = false;  ///< to everybody, without a key
  };

  void add_routes();  ///< these five in serve/routes.cpp
  void add_openai();
  void add_llama_server();
  void add_ollama();
  void add_cost();
  void get(std::string path, std::function<Outcome<std::unique_ptr<Exchange>>(const HttpRequest&)> handler,
           bool open = false);
  void post(std::string path, PostHandler handler);
  void unsupported(std::string method, std::string path, std::string why);

  Outcome<const Route*> find(const HttpRequest& request) const;
  Outcome<void> check_key(const HttpRequest& request, const Route& route) const;
  std::string client_of(const HttpRequest& request) const;
  std::unique_ptr<Exchange> answer(const HttpRequest& request, Wake wake);
  std::unique_ptr<Exchange> preflight(const HttpRequest& request) const;
  std::unique_ptr<Exchange> finish(const HttpRequest& request, std::unique_ptr<Exchange> exchange);

  const ApiOptions options_;
  Admission admission_;
  const Services services_;
  Metrics metrics_;
  std::vector<Route> routes_;
  Worker worker_;  ///< behind all that its exchanges use
};

}  // namespace halcyon::serve

// A server with the fake app behind it, for one test.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string_view>

#include "serve/http_server.h"
#include "tests/serve/http_fake_app.h"
#include "tests/serve/raw_client.h"

namespace halcyon::serve::test {

class Http : public testing::Test {
 protected:
  void start(HttpOptions options = {}) {
    auto started = HttpServer::start(app, std::move(options));
    ASSERT_TRUE(started.has_value()) << started.error().message;
    server = std::move(*started);
  }
  void start(const HttpLimits& limits) { start(HttpOptions{.tls = {}, .limits = limits}); }

  RawClient connect() { return RawClient(server->port()); }
  RawResponse ask(std::string_view request) { return connect().ask(request); }

  FakeApp app;
  std::unique_ptr<HttpServer> server;
};

}  // namespace halcyon::serve::test

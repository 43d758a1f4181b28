// Any bytes as the body of a request to any endpoint: each is answered to its end, with a status and, but for
// streams, JSON.
#include <array>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>

#include "serve/api.h"
#include "tests/serve/fake_server.h"

namespace halcyon::serve {
namespace {

constexpr std::array kPaths = {"/v1/chat/completions", "/v1/completions", "/v1/embeddings",
                               "/completion",          "/tokenize",       "/detokenize",
                               "/apply-template",      "/api/chat",       "/api/generate",
                               "/api/embed",           "/api/show",       "/api/embeddings"};

void check(bool ok) {
  if (!ok) __builtin_trap();
}

struct Bell {
  std::mutex mutex;
  std::condition_variable changed;
  bool rung = false;
};

void answer(Api& api, std::string path, std::string body) {
  const auto bell = std::make_shared<Bell>();
  HttpRequest request;
  request.method = "POST";
  request.path = std::move(path);
  request.body = std::move(body);
  request.peer = "127.0.0.1";
  check(api.refuse(request) == nullptr);
  const std::unique_ptr<Exchange> exchange = api.handle(std::move(request), [bell] {
    {
      const std::lock_guard lock(bell->mutex);
      bell->rung = true;
    }
    bell->changed.notify_one();
  });
  std::string text;
  for (;;) {
    Exchange::Output output = exchange->poll();
    text += output.body;
    if (output.done) break;
    std::unique_lock lock(bell->mutex);
    bell->changed.wait(lock, [&] { return bell->rung; });
    bell->rung = false;
  }
  check(exchange->head().status >= 200 && exchange->head().status < 600);
  if (exchange->head().content_type == "application/json") check(Json::accept(text));
}

}  // namespace
}  // namespace halcyon::serve

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace halcyon::serve;
  static test::FakeServer server;
  static Api api(server.models(), ApiOptions());
  if (size == 0) return 0;
  answer(api, kPaths[data[0] % kPaths.size()],
         std::string(reinterpret_cast<const char*>(data + 1), size - 1));
  return 0;
}

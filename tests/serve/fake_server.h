// Models without weights behind the handlers of the API, without any socket between them and the test.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/generation_exchange.h"
#include "tests/engine/fake_model.h"

namespace halcyon::serve::test {

/// A model that answers every prompt with `answer` and then ends its text. It finds its place by what was
/// said last, so a prompt must not end as the answer begins.
std::shared_ptr<halcyon::test::Script> says(std::string_view answer);

struct FakeModel {
  std::string name = "tiny";
  std::shared_ptr<halcyon::test::Script> script = says("Hello!");
  halcyon::test::FakeOptions options = {.n_ctx = 512, .n_batch = 512, .n_parallel = 2};
};

/// The architecture of the files is "fake"; they have one F32 tensor of 6 elements and n_embd 2.
class FakeServer {
 public:
  explicit FakeServer(std::vector<FakeModel> models = {{}}, ModelStore::KeepAlive keep_alive = {},
                      int32_t places = 16);

  Services services() { return {*models_, admission_}; }
  ModelStore& models() { return *models_; }
  int loads() const { return loads_; }  ///< how often a model was loaded
  void fail_to_load() { fails_ = true; }
  void room_for(int models) { room_ = models; }  ///< memory for so many at once

 private:
  struct Hosted {
    FakeModel model;
    std::string file;  ///< its bytes
  };
  const Hosted& hosted(std::string_view path) const;
  Result<LoadedModel> load(const std::string& path);

  std::vector<Hosted> hosted_;
  std::atomic<int> loads_ = 0;
  std::atomic<bool> fails_ = false;
  std::atomic<int> room_ = 1000;
  std::atomic<int> loaded_ = 0;
  std::unique_ptr<ModelStore> models_;
  Admission admission_;
};

/// How handlers look: those that generate, those that don't, and those that read no body.
using GeneratingHandler = Outcome<std::unique_ptr<Exchange>> (*)(const Services&, const Json& body,
                                                                 std::string client, Wake wake);
using BodyHandler = Outcome<std::unique_ptr<Exchange>> (*)(const Services&, const Json& body);
using PlainHandler = Outcome<std::unique_ptr<Exchange>> (*)(const Services&);

/// A request under way. Destroying it is the client's going away.
class Call {
 public:
  Call(FakeServer& server, GeneratingHandler handler, const Json& body, Dialect dialect = Dialect::openai);
  Call(Outcome<std::unique_ptr<Exchange>> exchange, Dialect dialect);

  /// Waits for the next piece of the answer; nothing after the last one.
  std::optional<std::string> next();
  const HttpHead& head() const { return exchange_->head(); }  ///< once next() has returned

 private:
  struct Bell;
  std::shared_ptr<Bell> bell_;
  std::unique_ptr<Exchange> exchange_;
  bool done_ = false;
};

struct Answer {
  HttpHead head;
  std::vector<std::string> pieces;

  std::string body() const;
  Json json() const;                 ///< the body
  std::vector<Json> lines() const;   ///< of a body in NDJSON
  std::vector<Json> events() const;  ///< the data of server-sent events, the text [DONE] as a string
};

/// The whole answer, an error that the handler returns included.
Answer ask(FakeServer& server, GeneratingHandler handler, const Json& body,
           Dialect dialect = Dialect::openai);
Answer ask(FakeServer& server, BodyHandler handler, const Json& body, Dialect dialect = Dialect::openai);
Answer ask(FakeServer& server, PlainHandler handler, Dialect dialect = Dialect::openai);

}  // namespace halcyon::serve::test

#include "tests/serve/fake_server.h"

#include <algorithm>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <sstream>
#include <utility>

#include "gguf/writer.h"

namespace halcyon::serve::test {
namespace {

/// Counts the models in memory, as the device of each.
class Tenant final : public backend::Device {
 public:
  explicit Tenant(std::atomic<int>& count) : count_(count) { ++count_; }
  ~Tenant() override { --count_; }
  const backend::DeviceInfo& info() const override { return info_; }
  Result<backend::Limits> measure_limits(double) override { return fail("nothing is measured here"); }
  Result<std::unique_ptr<backend::Executable>> compile(program::Program,
                                                       const backend::CompileOptions&) override {
    return fail("nothing is compiled here");
  }

 private:
  std::atomic<int>& count_;
  backend::DeviceInfo info_;
};

using halcyon::test::Token;

std::string file_of(const FakeModel& model) {
  gguf::Metadata metadata;
  metadata.set("general.architecture", gguf::Value::string("fake"));
  metadata.set("fake.context_length", gguf::Value::u32(4096));
  metadata.set("fake.embedding_length", gguf::Value::u32(2));
  metadata.set("fake.rope.freq_base", gguf::Value::f32(10000));
  metadata.set("tokenizer.ggml.tokens", gguf::Value::strings({"a", "b"}));
  if (!model.options.chat_template.empty())
    metadata.set("tokenizer.chat_template", gguf::Value::string(model.options.chat_template));
  const std::vector<std::byte> data(6 * sizeof(float));
  const int64_t ne[] = {2, 3};
  const gguf::Tensor tensor = gguf::memory_tensor("token_embd.weight", quant::Type::f32, ne, data).value();
  return gguf::to_bytes(metadata, std::span(&tensor, 1)).value();
}

Answer collect(Call call) {
  Answer answer;
  while (std::optional<std::string> piece = call.next()) answer.pieces.push_back(std::move(*piece));
  answer.head = call.head();
  return answer;
}

}  // namespace

std::shared_ptr<halcyon::test::Script> says(std::string_view answer) {
  auto script = std::make_shared<halcyon::test::Script>();
  script->next = [answer = halcyon::test::bytes(answer)](std::span<const Token> past) {
    size_t said = std::min(answer.size(), past.size());
    while (!std::ranges::equal(past.last(said), std::span(answer).first(said))) --said;
    return said < answer.size() ? answer[said] : halcyon::test::kEnd;
  };
  return script;
}

// The server.

FakeServer::FakeServer(std::vector<FakeModel> models, ModelStore::KeepAlive keep_alive, int32_t places)
    : admission_(models.size(), places) {
  std::vector<ModelSource> sources;
  for (FakeModel& model : models) {
    sources.push_back({.path = model.name, .alias = model.name});
    std::string file = file_of(model);
    hosted_.push_back({std::move(model), std::move(file)});
  }
  ModelLoader loader;
  loader.open = [this](const std::string& path) {
    return gguf::File::parse(memory_source(path, std::as_bytes(std::span(hosted(path).file))));
  };
  loader.load = [this](const std::string& path) { return load(path); };
  loader.context = [this](const gguf::File&) { return hosted_.front().model.options.n_ctx; };
  loader.memory_needed = [](const gguf::File&) { return uint64_t{1}; };
  loader.memory_available = [this] { return static_cast<uint64_t>(std::max(0, room_ - loaded_)); };
  models_ = ModelStore::open(sources, std::move(loader), keep_alive).value();
}

const FakeServer::Hosted& FakeServer::hosted(std::string_view path) const {
  return *std::ranges::find(hosted_, path, [](const Hosted& h) -> std::string_view { return h.model.name; });
}

Result<LoadedModel> FakeServer::load(const std::string& path) {
  if (fails_) return fail("the file is gone");
  ++loads_;
  const FakeModel& model = hosted(path).model;
  model.script->pasts.clear();  // of an engine that is no more
  return LoadedModel{.device = std::make_unique<Tenant>(loaded_),
                     .engine = halcyon::test::fake_engine(model.script, model.options),
                     .seconds = 0.25};
}

// Calls.

struct Call::Bell {
  std::mutex mutex;
  std::condition_variable changed;
  bool rung = true;  // poll() is called at once

  void ring() {
    {
      const std::lock_guard lock(mutex);
      rung = true;
    }
    changed.notify_one();
  }
  void wait() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return rung; });
    rung = false;
  }
};

Call::Call(FakeServer& server, GeneratingHandler handler, const Json& body, Dialect dialect)
    : bell_(std::make_shared<Bell>()) {
  auto exchange = handler(server.services(), body, "127.0.0.1", [bell = bell_] { bell->ring(); });
  exchange_ = exchange ? std::move(*exchange) : error_reply(dialect, exchange.error());
}

Call::Call(Outcome<std::unique_ptr<Exchange>> exchange, Dialect dialect)
    : bell_(std::make_shared<Bell>()),
      exchange_(exchange ? std::move(*exchange) : error_reply(dialect, exchange.error())) {}

std::optional<std::string> Call::next() {
  while (!done_) {
    bell_->wait();
    Exchange::Output output = exchange_->poll();
    done_ = output.done;
    if (!output.body.empty()) return std::move(output.body);
  }
  return std::nullopt;
}

// Answers.

std::string Answer::body() const {
  std::string all;
  for (const std::string& piece : pieces) all += piece;
  return all;
}

Json Answer::json() const { return Json::parse(body()); }

std::vector<Json> Answer::lines() const {
  std::vector<Json> result;
  std::istringstream text(body());
  for (std::string line; std::getline(text, line);) result.push_back(Json::parse(line));
  return result;
}

std::vector<Json> Answer::events() const {
  std::vector<Json> result;
  std::istringstream text(body());
  for (std::string line; std::getline(text, line);) {
    constexpr std::string_view field = "data: ";
    if (line.empty()) continue;  // ends an event
    if (!line.starts_with(field)) throw std::runtime_error("no data of an event: " + line);
    const std::string data = line.substr(field.size());
    result.push_back(data == "[DONE]" ? Json(data) : Json::parse(data));
  }
  return result;
}

Answer ask(FakeServer& server, GeneratingHandler handler, const Json& body, Dialect dialect) {
  return collect(Call(server, handler, body, dialect));
}

Answer ask(FakeServer& server, BodyHandler handler, const Json& body, Dialect dialect) {
  return collect(Call(handler(server.services(), body), dialect));
}

Answer ask(FakeServer& server, PlainHandler handler, Dialect dialect) {
  return collect(Call(handler(server.services()), dialect));
}

}  // namespace halcyon::serve::test

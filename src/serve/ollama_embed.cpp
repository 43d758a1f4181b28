#include "serve/ollama_embed.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "serve/ollama_request.h"

namespace halcyon::serve {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxTexts = 256;

struct EmbedRequest : OllamaRequest {
  std::vector<std::string> inputs;
  bool truncate = true;  ///< inputs that are longer than the context are cut
  bool one = false;      ///< the answer is the embedding of the one input, as /api/embeddings has it
};

class EmbedExchange final : public GenerationExchange {
 public:
  EmbedExchange(const Services& services, EmbedRequest embed, std::string client, Wake wake)
      : GenerationExchange(services, embed.plan, std::move(client), std::move(wake)),
        embed_(std::move(embed)),
        embeddings_(embed_.inputs.size()) {}

 protected:
  Outcome<std::vector<engine::Request>> prepare(ModelStore::Lease& lease) override {
    const engine::Engine& engine = lease.engine();
    CHECK_OK(check_num_ctx(embed_, engine));
    const auto n_ctx = static_cast<size_t>(engine.n_ctx());
    std::vector<engine::Request> requests(embed_.inputs.size());
    for (size_t i = 0; i < requests.size(); ++i) {
      engine::Request& request = requests[i];
      request.embedding = true;
      TRY(request.prompt, of_request(engine.tokenizer().encode(embed_.inputs[i], true, false)));
      if (request.prompt.empty())
        return refuse(ErrorKind::invalid_request, "input {} has no tokens: there is nothing to embed", i);
      if (embed_.truncate && request.prompt.size() > n_ctx) request.prompt.resize(n_ctx);
    }
    return requests;
  }

  void on_event(size_t i, engine::Event& event, std::string&) override {
    if (!event.finish) return;
    embeddings_[i] = std::move(event.finish->embedding);
    n_tokens_ += event.finish->timings.prompt_n + event.finish->timings.cache_n;
  }

  void end(std::string& out) override {
    if (embed_.one) {
      out = to_text({{"embedding", embeddings_.empty() ? std::vector<float>() : embeddings_.front()}});
      return;
    }
    out = to_text({{"model", embed_.name},
                   {"embeddings", embeddings_},
                   {"total_duration", std::chrono::nanoseconds(Clock::now() - start_).count()},
                   {"load_duration", nanoseconds_of(lease().load_seconds() * 1e3)},
                   {"prompt_eval_count", n_tokens_}});
  }

 private:
  const EmbedRequest embed_;
  const Clock::time_point start_ = Clock::now();
  std::vector<std::vector<float>> embeddings_;
  int64_t n_tokens_ = 0;
};

}  // namespace

Outcome<std::unique_ptr<Exchange>> ollama_embed(const Services& services, const Json& body,
                                                std::string client, Wake wake) {
  EmbedRequest embed;
  Fields fields(body);
  TRY(static_cast<OllamaRequest&>(embed), read_ollama(fields, services));
  fields.strings("input", embed.inputs, kMaxTexts);
  fields.boolean("truncate", embed.truncate);
  fields.only("dimensions", 0);
  CHECK_OK(fields.finish());
  const Json* input = fields.find("input");
  if (input && *input == "") embed.inputs.clear();  // the model is only loaded
  return std::make_unique<EmbedExchange>(services, std::move(embed), std::move(client), std::move(wake));
}

Outcome<std::unique_ptr<Exchange>> ollama_embeddings(const Services& services, const Json& body,
                                                     std::string client, Wake wake) {
  EmbedRequest embed;
  embed.one = true;
  Fields fields(body);
  TRY(static_cast<OllamaRequest&>(embed), read_ollama(fields, services));
  std::string prompt;
  fields.string("prompt", prompt);
  CHECK_OK(fields.finish());
  if (!prompt.empty()) embed.inputs.push_back(std::move(prompt));
  return std::make_unique<EmbedExchange>(services, std::move(embed), std::move(client), std::move(wake));
}

}  // namespace halcyon::serve

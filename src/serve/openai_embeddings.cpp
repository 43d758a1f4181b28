#include "serve/openai_embeddings.h"

#include <openssl/evp.h>

#include <bit>
#include <utility>

#include "serve/llama_prompt.h"
#include "serve/model_field.h"

namespace halcyon::serve {
namespace {

constexpr size_t kMaxInputs = 256;

struct EmbeddingsRequest {
  AnswerPlan plan;
  Prompts inputs;
  bool base64 = false;
};

Outcome<EmbeddingsRequest> read_embeddings(const Services& services, const Json& body) {
  EmbeddingsRequest embeddings;
  Fields fields(body);
  TRY(embeddings.plan.model, read_model(fields, services.models));
  embeddings.inputs = read_prompts(fields, "input", kMaxInputs);
  std::string format = "float";
  fields.string("encoding_format", format);
  if (format != "float" && format != "base64")
    fields.reject("encoding_format", "has to be \"float\" or \"base64\"");
  embeddings.base64 = format == "base64";
  fields.only("dimensions", services.models.info(embeddings.plan.model).n_embd);
  fields.accept({"user"});
  CHECK_OK(fields.finish());
  return embeddings;
}

/// Float32, little endian, in base64.
std::string base64(const std::vector<float>& values) {
  static_assert(std::endian::native == std::endian::little);
  const size_t n_bytes = values.size() * sizeof(float);
  std::string text((n_bytes + 2) / 3 * 4 + 1, '\0');  // with the NUL that the function writes
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                  reinterpret_cast<const unsigned char*>(values.data()), static_cast<int>(n_bytes));
  text.pop_back();
  return text;
}

class EmbeddingsExchange final : public GenerationExchange {
 public:
  EmbeddingsExchange(const Services& services, EmbeddingsRequest embeddings, std::string client, Wake wake)
      : GenerationExchange(services, embeddings.plan, std::move(client), std::move(wake)),
        embeddings_(std::move(embeddings)) {}

 protected:
  Outcome<std::vector<engine::Request>> prepare(ModelStore::Lease& lease) override {
    std::vector<engine::Request> requests;
    for (const Json& input : embeddings_.inputs.each) {
      engine::Request& request = requests.emplace_back();
      TRY(request.prompt, of_request(encode(lease.engine().tokenizer(), input)));
      request.embedding = true;
    }
    results_.resize(requests.size());
    return requests;
  }

  void on_event(size_t i, engine::Event& event, std::string&) override {
    if (!event.finish) return;
    results_[i] = std::move(event.finish->embedding);
    n_tokens_ += event.finish->timings.cache_n + event.finish->timings.prompt_n;
  }

  void end(std::string& out) override {
    Json data = Json::array();
    for (size_t i = 0; i < results_.size(); ++i)
      data.push_back({{"object", "embedding"},
                      {"index", i},
                      {"embedding", embeddings_.base64 ? Json(base64(results_[i])) : Json(results_[i])}});
    out = to_text({{"object", "list"},
                   {"data", std::move(data)},
                   {"model", lease().info().name},
                   {"usage", {{"prompt_tokens", n_tokens_}, {"total_tokens", n_tokens_}}}});
  }

 private:
  const EmbeddingsRequest embeddings_;
  std::vector<std::vector<float>> results_;
  int64_t n_tokens_ = 0;
};

}  // namespace

Outcome<std::unique_ptr<Exchange>> openai_embeddings(const Services& services, const Json& body,
                                                     std::string client, Wake wake) {
  TRY(EmbeddingsRequest embeddings, read_embeddings(services, body));
  return std::make_unique<EmbeddingsExchange>(services, std::move(embeddings), std::move(client),
                                              std::move(wake));
}

}  // namespace halcyon::serve

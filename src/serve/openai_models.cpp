#include "serve/openai_models.h"

#include "serve/llama_query.h"
#include "serve/model_field.h"

namespace halcyon::serve {
namespace {

/// "created" is when the file was written; "meta" is llama-server's.
Json model_json(const ModelInfo& info) {
  return {{"id", info.name},
          {"object", "model"},
          {"created", info.modified},
          {"owned_by", "halcyon"},
          {"meta",
           {{"n_params", info.n_params},
            {"size", info.size},
            {"n_ctx_train", info.n_ctx_train},
            {"n_vocab", info.n_vocab},
            {"n_embd", info.n_embd}}}};
}

}  // namespace

Outcome<std::unique_ptr<Exchange>> openai_models(const Services& services) {
  Json data = Json::array();
  for (size_t i = 0; i < services.models.size(); ++i) data.push_back(model_json(services.models.info(i)));
  return json_reply({{"object", "list"}, {"data", std::move(data)}});
}

Outcome<std::unique_ptr<Exchange>> openai_model(const Services& services, std::string_view name) {
  TRY(const size_t index, find_model(services.models, percent_decode(name)));
  return json_reply(model_json(services.models.info(index)));
}

}  // namespace halcyon::serve

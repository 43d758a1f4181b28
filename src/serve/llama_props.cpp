#include "serve/llama_props.h"

#include "serve/llama_query.h"
#include "serve/llama_settings.h"
#include "serve/model_field.h"

namespace halcyon::serve {
Outcome<std::unique_ptr<Exchange>> llama_props(const Services& services, std::string_view query,
                                               int32_t n_slots) {
  TRY(const size_t index, find_model(services.models, query_value(query, "model")));
  const ModelInfo& info = services.models.info(index);
  const ModelStore::State state = services.models.state(index);
  return json_reply({{"default_generation_settings", {{"params", settings_json({})}, {"n_ctx", state.n_ctx}}},
                     {"total_slots", n_slots},
                     {"model_alias", info.name},
                     {"model_path", info.path},
                     {"modalities", {{"vision", false}, {"audio", false}}},
                     {"endpoint_slots", true},
                     {"endpoint_props", false},  // to change them
                     {"chat_template", info.chat_template},
                     {"bos_token", info.bos},
                     {"eos_token", info.eos},
                     {"build_info", "halcyon " HALCYON_VERSION}});
}

Outcome<std::unique_ptr<Exchange>> llama_slots(const Services& services, std::string_view query,
                                               int32_t n_slots) {
  TRY(const size_t index, find_model(services.models, query_value(query, "model")));
  const ModelStore::State state = services.models.state(index);
  Json slots = Json::array();
  for (size_t i = 0; i < static_cast<size_t>(n_slots); ++i) {
    const engine::Stats::Slot slot =
        state.stats && i < state.stats->slots.size() ? state.stats->slots[i] : engine::Stats::Slot();
    Json json = {
        {"id", i}, {"n_ctx", state.n_ctx}, {"speculative", false}, {"is_processing", slot.request != 0}};
    if (slot.request != 0) {
      json["id_task"] = slot.request;
      json["n_past"] = slot.n_past;
      json["next_token"] = Json::array({{{"has_next_token", true}, {"n_decoded", slot.n_decoded}}});
    }
    slots.push_back(std::move(json));
  }
  return json_reply(slots);
}

}  // namespace halcyon::serve

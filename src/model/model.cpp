#include "model/model.h"

#include "model/architectures.h"

namespace halcyon::model {

Result<Model> build(const gguf::File& file, int32_t n_ctx) {
  TRY(const std::string name, file.metadata().string("general.architecture"));
  TRY(const Architecture architecture, find_architecture(name));
  const Keys keys(file.metadata(), name);
  Model model;
  TRY(model.config, read_config(file, keys, n_ctx));

  Layers layers(file, model.config);
  TRY(const ValueId logits, architecture.recipe(keys, layers));
  TRY(model.program, layers.builder.finish(logits));
  CHECK_OK(check_all_used(file, layers.weights.asked_for()));
  return model;
}

}  // namespace halcyon::model

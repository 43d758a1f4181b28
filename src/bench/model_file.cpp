#include "bench/model_file.h"

#include <algorithm>

#include "model/model.h"

namespace halcyon::bench {

Result<ModelFile> describe(std::string path, std::string name, gguf::File file) {
  // Any context does: no weights are read here, and those hyper-parameters that depend on it are not used.
  const Result<model::Model> model = model::build(file, 1);
  if (!model) return std::unexpected(Error(model.error()).in(path));
  ModelFile out{
      .path = std::move(path), .name = std::move(name), .type = {}, .file = std::move(file), .summary = {}};
  out.summary = gguf::summarise(out.file);
  out.type = fmt::format("{} {} {}", model->config.architecture, out.summary.parameter_size,
                         out.summary.quantization);
  out.n_ctx_train = model->config.n_ctx_train;
  out.n_vocab = model->config.n_vocab;
  return out;
}

}  // namespace halcyon::bench

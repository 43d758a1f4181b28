// A model to measure, and what is known of it before it is loaded.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "gguf/gguf.h"
#include "gguf/summary.h"

namespace halcyon::bench {

struct ModelFile {
  std::string path;  ///< as it was given, or "the embedded model"
  std::string name;  ///< for tables: "Qwen3-4B-Q4_K_M"
  std::string type;  ///< "qwen3 4.0B Q4_K"
  gguf::File file;
  gguf::Summary summary;
  int32_t n_ctx_train = 0;  ///< positions that it was trained on
  int32_t n_vocab = 0;
};

/// Fails if no model can be made of the file.
Result<ModelFile> describe(std::string path, std::string name, gguf::File file);

}  // namespace halcyon::bench

// What is known of a model file without loading it.
#pragma once

#include <cstdint>
#include <string>

#include "gguf/gguf.h"
#include "serve/json.h"

namespace halcyon::serve {

/// Where a model comes from.
struct ModelSource {
  std::string path;   ///< empty: the model inside the program
  std::string alias;  ///< the name it is served under; empty: that of its file
};

struct ModelInfo {
  std::string name;  ///< "Qwen3-4B-Q4_K_M", or the alias
  std::string path;
  uint64_t size = 0;           ///< bytes
  int64_t modified = 0;        ///< seconds since 1970
  std::string digest;          ///< 64 hexadecimal digits: SHA-256 of path, size, time and metadata
  std::string architecture;    ///< "qwen3"
  std::string parameter_size;  ///< "4.0B"
  std::string quantization;    ///< "Q4_K": the type that most of its bytes have
  uint64_t n_params = 0;
  uint32_t n_ctx_train = 0, n_embd = 0;
  size_t n_vocab = 0;
  std::string bos, eos;            ///< texts of these tokens; empty: there are none
  std::string chat_template;       ///< empty: the file has none
  bool thinks = false;             ///< the template knows <think>
  bool calls_tools = false;        ///< the template knows tools
  Json metadata = Json::object();  ///< the file's, by key; arrays are null
};

/// Fails if what every model has is not there.
Result<ModelInfo> describe(const gguf::File& file, const ModelSource& source);

}  // namespace halcyon::serve

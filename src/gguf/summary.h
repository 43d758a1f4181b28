// What a model amounts to, from the list of its tensors.
#pragma once

#include <cstdint>
#include <string>

#include "gguf/gguf.h"

namespace halcyon::gguf {

struct Summary {
  uint64_t n_params = 0;
  uint64_t tensor_bytes = 0;
  std::string parameter_size;  ///< "4.0B"
  std::string quantization;    ///< "Q4_K": the type that most of its bytes have; empty: there are no tensors
};

Summary summarise(const File& file);

}  // namespace halcyon::gguf

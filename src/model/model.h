// From a GGUF file to a program: the only header of model/ that others need.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "gguf/gguf.h"
#include "model/config.h"
#include "program/program.h"

namespace halcyon::model {

struct Model {
  Config config;
  program::Program program;
};

/// Writes the program of the model in `file`, whose weights stay where they are. `n_ctx` is the number of
/// positions that a sequence is going to have. Whatever is wrong with the file is an error that names the key
/// or the tensor, what was found and what was expected.
Result<Model> build(const gguf::File& file, int32_t n_ctx);

}  // namespace halcyon::model

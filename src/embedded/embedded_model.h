// The model that comes with the program, so that it runs with nothing downloaded. See models/README.md.
#pragma once

#include <cstddef>
#include <span>

namespace halcyon {

/// The bytes of models/halcyon-tiny.gguf.
std::span<const std::byte> embedded_model();

}  // namespace halcyon

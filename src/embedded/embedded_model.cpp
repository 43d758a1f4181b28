#include "embedded/embedded_model.h"

extern "C" const std::byte halcyon_embedded_model_begin[], halcyon_embedded_model_end[];

namespace halcyon {

std::span<const std::byte> embedded_model() {
  return {halcyon_embedded_model_begin, halcyon_embedded_model_end};
}

}  // namespace halcyon

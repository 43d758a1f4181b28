#include "gguf/layout.h"

#include <bit>
#include <limits>
#include <span>

#include "base/quote.h"

namespace halcyon::gguf {

Result<uint32_t> alignment_of(const Metadata& metadata) {
  TRY(const uint32_t alignment, metadata.u32_or("general.alignment", kDefaultAlignment));
  if (!std::has_single_bit(alignment))
    return fail("general.alignment is {}, expected a power of two", alignment);
  return alignment;
}

Result<uint64_t> checked_size(const Tensor& tensor) {
  if (tensor.name.size() > kMaxTensorName)
    return fail("tensor {}: the name has {} bytes, at most {} are allowed", quote(tensor.name),
                tensor.name.size(), kMaxTensorName);
  const std::string shape = fmt::format("{}", fmt::join(std::span(tensor.ne).first(tensor.n_dims), " x "));
  int64_t n_elements = 1;
  for (const int64_t n : tensor.ne) {
    if (n < 1) return fail("tensor {}: a dimension of {} in {}", quote(tensor.name), n, shape);
    if (__builtin_mul_overflow(n_elements, n, &n_elements))
      return fail("tensor {}: {} has too many elements to count", quote(tensor.name), shape);
  }
  const quant::Traits& type = quant::traits(tensor.type);
  if (tensor.ne[0] % type.block != 0)
    return fail("tensor {}: rows of {} elements, {} needs a multiple of {}", quote(tensor.name), tensor.ne[0],
                type.name, type.block);
  uint64_t size = 0;
  if (__builtin_mul_overflow(static_cast<uint64_t>(n_elements) / type.block, uint64_t{type.bytes}, &size))
    return fail("tensor {}: {} of {} has too many bytes to count", quote(tensor.name), shape, type.name);
  return size;
}

std::string part_path(std::string_view prefix, uint32_t no, uint32_t count) {
  return fmt::format("{}-{:05}-of-{:05}.gguf", prefix, no + 1, count);
}

}  // namespace halcyon::gguf

// Whatever the bytes are, reading them as GGUF ends in a file whose metadata can be asked for and whose
// tensors can be decoded, or in an error.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "gguf/gguf.h"
#include "gguf/writer.h"

namespace halcyon::gguf {
namespace {

void ask_for_everything(const Metadata& metadata) {
  for (const auto& [key, value] : metadata.entries()) {
    (void)metadata.u32(key);
    (void)metadata.f32(key);
    (void)metadata.boolean(key);
    (void)metadata.string(key);
    (void)metadata.strings(key);
    (void)metadata.integers(key);
    (void)metadata.floats(key);
    (void)describe_type(value);
  }
}

void decode_first_blocks(const Tensor& tensor) {
  const quant::Traits& type = quant::traits(tensor.type);
  if (!type.decode) return;
  const size_t n_blocks = std::min<size_t>(tensor.size / type.bytes, 4);
  std::vector<std::byte> bytes(n_blocks * type.bytes);
  if (!tensor.source->read(tensor.offset, bytes))
    __builtin_trap();  // the reader has checked that the data is there
  std::vector<float> values(n_blocks * type.block);
  type.decode(bytes.data(), values.data(), values.size());
}

}  // namespace
}  // namespace halcyon::gguf

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace halcyon;
  const auto file = gguf::File::parse(memory_source("fuzz", std::as_bytes(std::span(data, size))));
  if (!file) return 0;
  gguf::ask_for_everything(file->metadata());
  for (const gguf::Tensor& tensor : file->tensors()) gguf::decode_first_blocks(tensor);
  // What was read can be written. (Without tensors, the padding to a large alignment is longer than the
  // input.)
  if (!file->tensors().empty() && !gguf::to_bytes(file->metadata(), file->tensors())) __builtin_trap();
  return 0;
}

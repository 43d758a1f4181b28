#include "model/weights.h"

#include "base/quote.h"

namespace halcyon::model {

program::WeightId Weights::optional(std::string_view name, Shape shape) {
  asked_for_.insert(full(name));
  const gguf::Tensor* tensor = file_.find(full(name));
  if (tensor == nullptr) return program::none;
  if (tensor->ne != shape.ne) {
    builder_.reject({fmt::format("{}: shape {}, expected {}", tensor->name, program::to_string(tensor->ne),
                                 program::to_string(shape.ne))});
    return program::none;
  }
  return builder_.weight({.name = tensor->name,
                          .type = tensor->type,
                          .ne = tensor->ne,
                          .offset = tensor->offset,
                          .size = tensor->size,
                          .source = tensor->source});
}

program::WeightId Weights::required(std::string_view name, Shape shape) {
  const program::WeightId id = optional(name, shape);
  if (!has(name)) {
    builder_.reject(
        {fmt::format("{}: not in the file, expected shape {}", full(name), program::to_string(shape.ne))});
  }
  return id;
}

Result<void> check_all_used(const gguf::File& file, const std::unordered_set<std::string>& asked_for) {
  for (const gguf::Tensor& tensor : file.tensors()) {
    // Input scales describe quantised activations; Halcyon takes the scale of each activation from its own
    // maximum.
    if (tensor.name.starts_with("rope_") || tensor.name.ends_with(".input_scale")) continue;
    if (!asked_for.contains(tensor.name)) {
      return fail(
          "tensor {}: this architecture has no such tensor; leaving it out would change what the model says",
          quote(tensor.name));
    }
  }
  return {};
}

Result<std::vector<double>> read_vector(const gguf::File& file, std::string_view name, int64_t n) {
  const gguf::Tensor* tensor = file.find(name);
  if (tensor == nullptr) return fail("{}: not in the file, expected shape {{{}}}", name, n);
  if (tensor->ne != Shape(n).ne) {
    return fail("{}: shape {}, expected {{{}}}", name, program::to_string(tensor->ne), n);
  }
  if (tensor->type != quant::Type::f32)
    return fail("{}: type {}, expected f32", name, quant::name_of(tensor->type));
  std::vector<float> values(static_cast<size_t>(n));
  CHECK_OK(tensor->source->read(tensor->offset, std::as_writable_bytes(std::span(values))));
  return std::vector<double>(values.begin(), values.end());
}

}  // namespace halcyon::model

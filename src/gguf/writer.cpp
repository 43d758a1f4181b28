#include "gguf/writer.h"

#include <algorithm>
#include <functional>
#include <set>
#include <type_traits>

#include "base/quote.h"
#include "gguf/layout.h"
#include "gguf/new_file.h"

namespace halcyon::gguf {
namespace {

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put_string(std::string& out, std::string_view text) {
  put(out, uint64_t{text.size()});
  out += text;
}

template <class Stored, class Kept>
Result<void> put_numbers(std::string& out, const ArrayElements& elements) {
  const auto* values = std::get_if<std::vector<Kept>>(&elements);
  if (!values) return fail("holds other data than its type says");
  for (const Kept value : *values) {
    const auto stored = static_cast<Stored>(value);
    if (std::is_integral_v<Stored> && static_cast<Kept>(stored) != value)
      return fail("{} does not fit its type", value);
    put(out, stored);
  }
  return {};
}

Result<void> put_strings(std::string& out, const ArrayElements& elements) {
  const auto* values = std::get_if<std::vector<std::string>>(&elements);
  if (!values) return fail("holds other data than its type says");
  for (const std::string& value : *values) put_string(out, value);
  return {};
}

Result<void> put_elements(std::string& out, ValueType type, const ArrayElements& elements) {
  switch (type) {
    case ValueType::u8:
      return put_numbers<uint8_t, int64_t>(out, elements);
    case ValueType::i8:
      return put_numbers<int8_t, int64_t>(out, elements);
    case ValueType::u16:
      return put_numbers<uint16_t, int64_t>(out, elements);
    case ValueType::i16:
      return put_numbers<int16_t, int64_t>(out, elements);
    case ValueType::u32:
      return put_numbers<uint32_t, int64_t>(out, elements);
    case ValueType::i32:
      return put_numbers<int32_t, int64_t>(out, elements);
    case ValueType::u64:
      return put_numbers<uint64_t, int64_t>(out, elements);
    case ValueType::i64:
      return put_numbers<int64_t, int64_t>(out, elements);
    case ValueType::f32:
      return put_numbers<float, double>(out, elements);
    case ValueType::f64:
      return put_numbers<double, double>(out, elements);
    case ValueType::boolean:
      return put_numbers<uint8_t, uint8_t>(out, elements);
    case ValueType::string:
      return put_strings(out, elements);
    case ValueType::array:
      break;
  }
  return fail("has elements of type {}", name_of(type));
}

Result<void> put_value(std::string& out, const Value& value) {
  put(out, static_cast<int32_t>(value.type));
  if (const auto* array = std::get_if<Array>(&value.data)) {
    put(out, static_cast<int32_t>(array->element_type));
    put(out, uint64_t{array->size()});
    return put_elements(out, array->element_type, array->elements);
  }
  ArrayElements single;
  if (const auto* integer = std::get_if<int64_t>(&value.data)) single = std::vector{*integer};
  if (const auto* number = std::get_if<double>(&value.data)) single = std::vector{*number};
  if (const auto* boolean = std::get_if<bool>(&value.data)) single = std::vector<uint8_t>{*boolean};
  if (const auto* text = std::get_if<std::string>(&value.data)) single = std::vector{*text};
  return put_elements(out, value.type, single);
}

Result<void> check(const Tensor& tensor) {
  const auto missing = std::span(tensor.ne).subspan(std::min<size_t>(tensor.n_dims, 4));
  if (tensor.n_dims < 1 || tensor.n_dims > 4 ||
      !std::ranges::all_of(missing, [](int64_t n) { return n == 1; }))
    return fail("tensor {}: {} dimensions do not describe its shape", quote(tensor.name), tensor.n_dims);
  TRY(const uint64_t size, checked_size(tensor));
  if (!tensor.source) return fail("tensor {}: no source of its data", quote(tensor.name));
  if (tensor.size != size)
    return fail("tensor {}: {} bytes of data, its shape takes {}", quote(tensor.name), tensor.size, size);
  return {};
}

/// Everything before the data section, with the padding.
Result<std::string> header(const Metadata& metadata, std::span<const Tensor> tensors, uint32_t alignment) {
  std::string out(kMagic);
  put(out, uint32_t{3});
  put(out, uint64_t{tensors.size()});
  put(out, uint64_t{metadata.entries().size()});
  for (const auto& [key, value] : metadata.entries()) {
    put_string(out, key);
    if (auto done = put_value(out, value); !done)
      return std::unexpected(std::move(done.error()).in(fmt::format("key {}", quote(key))));
  }
  std::set<std::string_view> names;
  uint64_t offset = 0;
  for (const Tensor& tensor : tensors) {
    CHECK_OK(check(tensor));
    if (!names.insert(tensor.name).second) return fail("tensor {} occurs twice", quote(tensor.name));
    put_string(out, tensor.name);
    put(out, tensor.n_dims);
    for (uint32_t i = 0; i < tensor.n_dims; ++i) put(out, tensor.ne[i]);
    put(out, static_cast<int32_t>(tensor.type));
    put(out, offset);
    offset = align_up(offset + tensor.size, alignment);
  }
  out.resize(align_up(out.size(), alignment));
  return out;
}

using Sink = std::function<Result<void>(std::span<const std::byte>)>;

Result<void> copy_data(const Tensor& tensor, uint32_t alignment, const Sink& sink) {
  std::vector<std::byte> chunk(std::min<uint64_t>(tensor.size, 1 << 20));
  for (uint64_t at = 0; at < tensor.size; at += chunk.size()) {
    const auto part = std::span(chunk).first(std::min<uint64_t>(chunk.size(), tensor.size - at));
    CHECK_OK(tensor.source->read(tensor.offset + at, part));
    CHECK_OK(sink(part));
  }
  return sink(std::vector<std::byte>(align_up(tensor.size, alignment) - tensor.size));
}

Result<void> write_to(const Sink& sink, const Metadata& metadata, std::span<const Tensor> tensors) {
  TRY(const uint32_t alignment, alignment_of(metadata));
  TRY(const std::string head, header(metadata, tensors, alignment));
  CHECK_OK(sink(std::as_bytes(std::span(head))));
  for (const Tensor& tensor : tensors) CHECK_OK(copy_data(tensor, alignment, sink));
  return {};
}

/// A complete file that has no name yet.
Result<NewFile> write_unnamed(const std::string& path, const Metadata& metadata,
                              std::span<const Tensor> tensors) {
  TRY(NewFile file, NewFile::create(path));
  CHECK_OK(write_to([&](auto bytes) { return file.write(bytes); }, metadata, tensors));
  CHECK_OK(file.close());
  return file;
}

/// The runs of tensors that go into one part each; one empty run if there are no tensors.
std::vector<std::span<const Tensor>> divide(std::span<const Tensor> tensors, const PartLimits& limits) {
  std::vector<std::span<const Tensor>> parts;
  do {
    uint64_t bytes = 0;
    const auto fits = [&](size_t n) {
      return n < limits.tensors && bytes <= limits.bytes && tensors[n].size <= limits.bytes - bytes;
    };
    size_t n = 0;
    while (n < tensors.size() && (n == 0 || fits(n))) bytes += tensors[n++].size;
    parts.push_back(tensors.first(n));
    tensors = tensors.subspan(n);
  } while (!tensors.empty());
  return parts;
}

}  // namespace

Result<Tensor> memory_tensor(std::string name, quant::Type type, std::span<const int64_t> ne,
                             std::span<const std::byte> data) {
  Tensor tensor;
  if (ne.empty() || ne.size() > tensor.ne.size())
    return fail("tensor {}: {} dimensions, expected 1 to 4", quote(name), ne.size());
  tensor.type = type;
  tensor.n_dims = static_cast<uint32_t>(ne.size());
  std::ranges::copy(ne, tensor.ne.begin());
  tensor.size = data.size();
  tensor.source = memory_source(name, data);
  tensor.name = std::move(name);
  CHECK_OK(check(tensor));
  return tensor;
}

Metadata without_split_keys(const Metadata& metadata) {
  Metadata copy;
  for (const auto& [key, value] : metadata.entries())
    if (!key.starts_with("split.")) copy.set(key, value);
  return copy;
}

Result<std::string> to_bytes(const Metadata& metadata, std::span<const Tensor> tensors) {
  std::string out;
  const auto append = [&](std::span<const std::byte> bytes) -> Result<void> {
    out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  };
  CHECK_OK(write_to(append, metadata, tensors));
  return out;
}

Result<void> write_file(const std::string& path, const Metadata& metadata, std::span<const Tensor> tensors) {
  TRY(NewFile file, write_unnamed(path, metadata, tensors));
  return file.give_name();
}

Result<std::vector<std::string>> write_split(const std::string& prefix, const Metadata& metadata,
                                             std::span<const Tensor> tensors, const PartLimits& limits) {
  const auto parts = divide(tensors, limits);
  if (parts.size() > std::numeric_limits<uint16_t>::max())
    return fail("{}: {} parts, at most 65535 are possible", prefix, parts.size());
  const auto count = static_cast<uint32_t>(parts.size());

  Metadata keys = without_split_keys(metadata);
  std::vector<std::string> paths;
  std::vector<NewFile> files;
  for (uint32_t no = 0; no < count; ++no) {
    keys.set("split.no", {ValueType::u16, int64_t{no}});
    keys.set("split.count", {ValueType::u16, int64_t{count}});
    keys.set("split.tensors.count", {ValueType::i32, static_cast<int64_t>(tensors.size())});
    paths.push_back(part_path(prefix, no, count));
    TRY(NewFile file, write_unnamed(paths.back(), keys, parts[no]));
    files.push_back(std::move(file));
    keys = Metadata();  // the model's own metadata is in the first part alone
    if (const Value* alignment = metadata.find("general.alignment"))
      keys.set("general.alignment", *alignment);
  }
  for (NewFile& file : files) CHECK_OK(file.give_name());
  return paths;
}

}  // namespace halcyon::gguf

#include "gguf/reader.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>

#include "base/quote.h"
#include "gguf/layout.h"

namespace halcyon::gguf {
namespace {

/// Real headers have a few tens of MB at most. One in memory may take 20 times the bytes (keys of one
/// letter).
constexpr uint64_t kMaxHeader = uint64_t{128} << 20;

/// Takes fields off the start of a source, and never more than it has.
class Cursor {
 public:
  explicit Cursor(const ByteSource& source)
      : source_(source),
        end_(std::min(source.size(), kMaxHeader)),
        buffer_(std::min<uint64_t>(end_, 64 << 10)) {}

  uint64_t at() const { return at_; }

  template <class T>
  Result<T> number(std::string_view what) {
    T value;
    CHECK_OK(take(std::as_writable_bytes(std::span(&value, 1)), what));
    return value;
  }

  Result<std::string> string(std::string_view what) {
    TRY(const uint64_t length, count(what, "bytes", 1));
    std::string text(length, '\0');
    CHECK_OK(take(std::as_writable_bytes(std::span(text)), what));
    return text;
  }

  /// A number of `items` of at least `item_bytes` each; an error if what follows cannot hold them.
  Result<uint64_t> count(std::string_view what, std::string_view items, uint64_t item_bytes) {
    TRY(const auto n, number<uint64_t>(what));
    CHECK_OK(require(n, what, items, item_bytes));
    return n;
  }

  /// Fails if what follows cannot hold `n` items.
  Result<void> require(uint64_t n, std::string_view what, std::string_view items, uint64_t item_bytes) const {
    const uint64_t most = (end_ - at_) / item_bytes;
    if (n > most)
      return fail("byte {}: {} of {} {}, but at most {} can follow {}", at_, what, n, items, most, limit());
    return {};
  }

 private:
  Result<void> take(std::span<std::byte> out, std::string_view what) {
    if (out.size() > end_ - at_)
      return fail("byte {}: {} of {} bytes, but only {} follow {}", at_, what, out.size(), end_ - at_,
                  limit());
    at_ += out.size();
    while (!out.empty()) {
      if (used_ == filled_) CHECK_OK(refill());
      const size_t n = std::min(out.size(), filled_ - used_);
      std::memcpy(out.data(), buffer_.data() + used_, n);
      used_ += n;
      out = out.subspan(n);
    }
    return {};
  }

  Result<void> refill() {
    const size_t n = std::min<uint64_t>(buffer_.size(), end_ - read_);
    CHECK_OK(source_.read(read_, std::span(buffer_).first(n)));
    read_ += n;
    used_ = 0;
    filled_ = n;
    return {};
  }

  std::string_view limit() const {
    return end_ == kMaxHeader ? "in the 128 MiB of a header" : "in the file: it is damaged or incomplete";
  }

  const ByteSource& source_;
  uint64_t end_;
  uint64_t at_ = 0;    // of the next byte to take
  uint64_t read_ = 0;  // of the next byte to read into the buffer
  std::vector<std::byte> buffer_;
  size_t used_ = 0, filled_ = 0;  // in the buffer
};

template <class Stored, class Kept>
Result<ArrayElements> read_numbers(Cursor& in, uint64_t n) {
  CHECK_OK(in.require(n, "array", "elements", sizeof(Stored)));
  std::vector<Kept> out;
  out.reserve(n);
  for (uint64_t i = 0; i < n; ++i) {
    TRY(const auto value, in.number<Stored>("number"));
    out.push_back(static_cast<Kept>(value));
  }
  return out;
}

Result<ArrayElements> read_booleans(Cursor& in, uint64_t n) {
  TRY(auto bytes, read_numbers<uint8_t, uint8_t>(in, n));
  for (uint8_t& b : std::get<std::vector<uint8_t>>(bytes)) b = b != 0;
  return bytes;
}

Result<ArrayElements> read_strings(Cursor& in, uint64_t n) {
  CHECK_OK(in.require(n, "array", "strings", sizeof(uint64_t)));
  std::vector<std::string> out;
  out.reserve(n);
  for (uint64_t i = 0; i < n; ++i) {
    TRY(out.emplace_back(), in.string("string"));
  }
  return out;
}

Result<ArrayElements> read_elements(Cursor& in, ValueType type, uint64_t n) {
  switch (type) {
    case ValueType::u8:
      return read_numbers<uint8_t, int64_t>(in, n);
    case ValueType::i8:
      return read_numbers<int8_t, int64_t>(in, n);
    case ValueType::u16:
      return read_numbers<uint16_t, int64_t>(in, n);
    case ValueType::i16:
      return read_numbers<int16_t, int64_t>(in, n);
    case ValueType::u32:
      return read_numbers<uint32_t, int64_t>(in, n);
    case ValueType::i32:
      return read_numbers<int32_t, int64_t>(in, n);
    case ValueType::u64:
      return read_numbers<uint64_t, int64_t>(in, n);
    case ValueType::i64:
      return read_numbers<int64_t, int64_t>(in, n);
    case ValueType::f32:
      return read_numbers<float, double>(in, n);
    case ValueType::f64:
      return read_numbers<double, double>(in, n);
    case ValueType::boolean:
      return read_booleans(in, n);
    case ValueType::string:
      return read_strings(in, n);
    case ValueType::array:
      return fail("byte {}: an array of arrays, which Halcyon does not read", in.at());
  }
  return fail("byte {}: value type {}, known are 0 to 12", in.at(), static_cast<int32_t>(type));
}

Result<Array> read_array(Cursor& in) {
  TRY(const auto type, in.number<int32_t>("element type"));
  TRY(const auto n, in.number<uint64_t>("array length"));
  Array array{static_cast<ValueType>(type), {}};
  TRY(array.elements, read_elements(in, array.element_type, n));
  return array;
}

Result<Value> read_value(Cursor& in) {
  TRY(const auto type, in.number<int32_t>("value type"));
  Value value{static_cast<ValueType>(type), {}};
  if (value.type == ValueType::array) {
    TRY(value.data, read_array(in));
    return value;
  }
  TRY(auto single, read_elements(in, value.type, 1));
  if (value.type == ValueType::boolean)
    value.data = std::get<std::vector<uint8_t>>(single)[0] != 0;
  else
    std::visit([&](auto& v) { value.data = std::move(v[0]); }, single);
  return value;
}

Result<Metadata> read_metadata(Cursor& in, uint64_t n) {
  Metadata metadata;
  for (uint64_t i = 0; i < n; ++i) {
    auto key = in.string("key");
    if (!key) return std::unexpected(std::move(key.error()).in(fmt::format("key {} of {}", i + 1, n)));
    auto value = read_value(in);
    if (!value) return std::unexpected(std::move(value.error()).in(fmt::format("key {}", quote(*key))));
    auto added = metadata.add(std::move(*key), std::move(*value));
    if (!added) return std::unexpected(std::move(added.error()).in(fmt::format("key {} of {}", i + 1, n)));
  }
  return metadata;
}

/// A tensor whose offset counts from the start of the data section still.
Result<Tensor> read_tensor(Cursor& in) {
  Tensor tensor;
  TRY(tensor.name, in.string("tensor name"));
  TRY(tensor.n_dims, in.number<uint32_t>("number of dimensions"));
  if (tensor.n_dims > tensor.ne.size())
    return fail("tensor {}: {} dimensions, at most 4 are allowed", quote(tensor.name), tensor.n_dims);
  for (uint32_t i = 0; i < tensor.n_dims; ++i) {
    TRY(tensor.ne[i], in.number<int64_t>("dimension"));
  }
  if (tensor.n_dims == 0) tensor.n_dims = 1;  // a single number
  TRY(const auto type, in.number<int32_t>("tensor type"));
  if (!quant::find_traits(type))
    return fail("tensor {}: type {} is unknown or retired", quote(tensor.name), type);
  tensor.type = static_cast<quant::Type>(type);
  TRY(tensor.offset, in.number<uint64_t>("tensor offset"));
  TRY(tensor.size, checked_size(tensor));
  return tensor;
}

/// Tensors follow one another in the order of the header, with nothing but padding between them.
Result<void> place_tensors(std::vector<Tensor>& tensors, uint64_t data_start, uint64_t alignment,
                           const std::shared_ptr<const ByteSource>& source) {
  uint64_t expected = 0;
  for (Tensor& tensor : tensors) {
    if (tensor.offset != expected)
      return fail("tensor {}: offset {} in the data section, expected {}", quote(tensor.name), tensor.offset,
                  expected);
    tensor.offset += data_start;
    tensor.source = source;
    if (tensor.offset > source->size() || tensor.size > source->size() - tensor.offset)
      return fail("tensor {}: its {} bytes begin at byte {}, but the file has {} bytes: it is incomplete",
                  quote(tensor.name), tensor.size, tensor.offset, source->size());
    expected = align_up(expected + tensor.size, alignment);
  }
  return {};
}

/// The vocabulary's arrays describe all of its tokens. (Some files have arrays that go on: for rows of
/// padding.)
Result<void> check_vocabulary(const Metadata& metadata) {
  const auto size_of = [&](std::string_view key) {
    const Value* value = metadata.find(key);
    const auto* array = value ? std::get_if<Array>(&value->data) : nullptr;
    return array ? std::optional(array->size()) : std::nullopt;
  };
  const auto n_tokens = size_of("tokenizer.ggml.tokens");
  for (const std::string_view key : {"tokenizer.ggml.scores", "tokenizer.ggml.token_type"}) {
    const auto n = size_of(key);
    if (n_tokens && n && *n < *n_tokens)
      return fail("key {} has {} elements for {} tokens", quote(key), *n, *n_tokens);
  }
  return {};
}

Result<uint32_t> read_version(Cursor& in) {
  TRY(const auto magic, in.number<std::array<char, 4>>("magic"));
  if (std::string_view(magic.data(), magic.size()) != kMagic)
    return fail("not a GGUF file: it begins with {}", quote({magic.data(), magic.size()}));
  TRY(const auto version, in.number<uint32_t>("version"));
  if (version != 0 && (version & 0xFFFF) == 0) return fail("a big-endian file: convert it to little-endian");
  if (version != 2 && version != 3) return fail("GGUF version {}, known are 2 and 3", version);
  return version;
}

}  // namespace

Result<Shard> read_shard(std::shared_ptr<const ByteSource> source) {
  constexpr uint64_t kMinTensor = 8 + 4 + 4 + 8, kMinKey = 8 + 1 + 4 + 1;  // bytes
  Cursor in(*source);
  Shard shard;
  TRY(shard.version, read_version(in));
  TRY(const uint64_t n_tensors, in.count("header", "tensors", kMinTensor));
  TRY(const uint64_t n_keys, in.count("header", "keys", kMinKey));
  TRY(shard.metadata, read_metadata(in, n_keys));
  CHECK_OK(check_vocabulary(shard.metadata));
  for (uint64_t i = 0; i < n_tensors; ++i) {
    auto tensor = read_tensor(in);
    if (!tensor)
      return std::unexpected(std::move(tensor.error()).in(fmt::format("tensor {} of {}", i + 1, n_tensors)));
    shard.tensors.push_back(std::move(*tensor));
  }
  TRY(const uint32_t alignment, alignment_of(shard.metadata));
  CHECK_OK(place_tensors(shard.tensors, align_up(in.at(), alignment), alignment, source));
  shard.source = std::move(source);
  return shard;
}

}  // namespace halcyon::gguf

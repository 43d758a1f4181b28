// A small valid file, and the means to write files byte by byte, wrong ones too.
#pragma once

#include <gmock/gmock.h>

#include <string>

#include "gguf/gguf.h"
#include "gguf/writer.h"
#include "tests/support/support.h"

namespace halcyon::gguf {

inline std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

inline Result<File> parse(std::string_view bytes) {
  return File::parse(memory_source("sample.gguf", bytes_of(bytes)));
}

/// One value of every type.
inline Metadata sample_metadata() {
  Metadata m;
  m.set("general.architecture", Value::string("qwen3"));
  m.set("u8", {ValueType::u8, int64_t{255}});
  m.set("i8", {ValueType::i8, int64_t{-128}});
  m.set("u16", {ValueType::u16, int64_t{65535}});
  m.set("i16", {ValueType::i16, int64_t{-32768}});
  m.set("u32", Value::u32(4294967295));
  m.set("i32", Value::i32(-5));
  m.set("u64", {ValueType::u64, int64_t{-1}});
  m.set("i64", {ValueType::i64, INT64_MIN});
  m.set("f32", Value::f32(1e-6f));
  m.set("f64", {ValueType::f64, 1e300});
  m.set("yes", Value::boolean(true));
  m.set("words", Value::strings({"one", "", "drei\n"}));
  m.set("numbers", Value::i32s({-1, 0, 1}));
  m.set("reals", Value::f32s({0.5f, -2.0f}));
  m.set("flags", {ValueType::array, Array{ValueType::boolean, std::vector<uint8_t>{1, 0, 1}}});
  m.set("none", Value::u32s({}));
  return m;
}

/// Tensors whose byte i is i + 1, of which no size is a multiple of the alignment.
inline std::vector<Tensor> sample_tensors() {
  static const std::string data = [] {
    std::string bytes;
    for (int i = 0; i < 300; ++i) bytes += static_cast<char>(i + 1);
    return bytes;
  }();
  const auto tensor = [](const char* name, quant::Type type, std::vector<int64_t> ne, size_t size) {
    auto made = memory_tensor(name, type, ne, bytes_of(data).first(size));
    EXPECT_TRUE(made.has_value()) << made.error().message;
    return *made;
  };
  return {tensor("norm.weight", quant::Type::f32, {5}, 20),
          tensor("a.weight", quant::Type::q8_0, {64, 3}, 204),
          tensor("b.weight", quant::Type::q4_0_rocmfp4_fast, {32, 2, 1, 2}, 68),
          tensor("listed.weight", quant::Type::iq2_xs, {256}, 74)};
}

inline std::string sample_file() {
  auto bytes = to_bytes(sample_metadata(), sample_tensors());
  EXPECT_TRUE(bytes.has_value()) << bytes.error().message;
  return *bytes;
}

/// The same name, type, shape and bytes.
inline void expect_same(const Tensor& tensor, const Tensor& expected) {
  EXPECT_EQ(tensor.name, expected.name);
  EXPECT_EQ(tensor.type, expected.type);
  EXPECT_EQ(tensor.n_dims, expected.n_dims);
  EXPECT_EQ(tensor.ne, expected.ne);
  ASSERT_EQ(tensor.size, expected.size);
  std::string bytes(tensor.size, ' '), expected_bytes(tensor.size, ' ');
  ASSERT_OK(tensor.source->read(tensor.offset, std::as_writable_bytes(std::span(bytes))));
  ASSERT_OK(expected.source->read(expected.offset, std::as_writable_bytes(std::span(expected_bytes))));
  EXPECT_EQ(bytes, expected_bytes);
}

/// Appends the fields of a file one by one.
struct RawFile {
  std::string bytes;

  RawFile(uint64_t n_tensors, uint64_t n_keys, uint32_t version = 3) : bytes("GGUF") {
    put(version).put(n_tensors).put(n_keys);
  }

  template <class T>
  RawFile& put(T value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }

  RawFile& text(std::string_view s) {
    put(uint64_t{s.size()});
    bytes += s;
    return *this;
  }

  RawFile& key(std::string_view name, ValueType type) { return text(name).put(static_cast<int32_t>(type)); }

  RawFile& tensor(std::string_view name, const std::vector<int64_t>& ne, int32_t type, uint64_t offset) {
    text(name).put(static_cast<uint32_t>(ne.size()));
    for (const int64_t n : ne) put(n);
    return put(type).put(offset);
  }

  /// The padding and `n` bytes of tensor data.
  RawFile& data(size_t n) {
    bytes.resize((bytes.size() + 31) / 32 * 32 + n);
    return *this;
  }
};

}  // namespace halcyon::gguf

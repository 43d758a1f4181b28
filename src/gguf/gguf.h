// The GGUF container (GGUF spec, version 3; version 2 has the same layout): metadata and the place of every
// tensor. No byte of a file is trusted: whatever is wrong with it is an error that says where.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/byte_source.h"
#include "base/result.h"
#include "quant/type.h"

namespace halcyon::gguf {

/// Value types as they are numbered in a file.
// clang-format off
enum class ValueType : int32_t {
  u8 = 0, i8 = 1, u16 = 2, i16 = 3, u32 = 4, i32 = 5, f32 = 6, boolean = 7, string = 8, array = 9,
  u64 = 10, i64 = 11, f64 = 12,
};
// clang-format on

/// "u32", "bool", …; "unknown" for a number that is none of them.
std::string_view name_of(ValueType type);

/// The elements of an array value, one vector type for each class of element type: integers are widened (u64
/// keeps its bits in an int64_t), floats are widened to double.
using ArrayElements = std::variant<std::vector<int64_t>, std::vector<double>, std::vector<uint8_t> /* bool */,
                                   std::vector<std::string>>;

struct Array {
  ValueType element_type = ValueType::u8;
  ArrayElements elements;
  size_t size() const;
  bool operator==(const Array&) const = default;
};

/// One metadata value with the type it has in the file. A u64 keeps its bits in the int64_t.
struct Value {
  ValueType type = ValueType::u32;
  std::variant<int64_t, double, bool, std::string, Array> data;

  static Value u32(uint32_t v);
  static Value i32(int32_t v);
  static Value f32(float v);
  static Value boolean(bool v);
  static Value string(std::string v);
  static Value strings(std::vector<std::string> v);
  static Value i32s(std::vector<int32_t> v);
  static Value u32s(std::vector<uint32_t> v);
  static Value f32s(std::vector<float> v);

  bool operator==(const Value&) const = default;
};

/// The value's type in words, for messages: "u32", "array of string".
std::string describe_type(const Value& value);

/// Metadata in file order, with typed access. Every getter's error names the key, what was found and what was
/// expected.
class Metadata {
 public:
  const std::vector<std::pair<std::string, Value>>& entries() const { return entries_; }
  const Value* find(std::string_view key) const;
  bool contains(std::string_view key) const { return find(key) != nullptr; }

  /// Adds a key, or fails if it is empty or there already.
  Result<void> add(std::string key, Value value);

  /// Replaces the value of a key, or adds the key.
  void set(std::string key, Value value);

  // Required values: a missing key is an error. Any integer type is taken if the value fits.
  Result<uint32_t> u32(std::string_view key) const;
  Result<float> f32(std::string_view key) const;
  Result<bool> boolean(std::string_view key) const;
  Result<std::string> string(std::string_view key) const;

  // Optional values: the default if the key is missing; still an error if it has the wrong type.
  Result<uint32_t> u32_or(std::string_view key, uint32_t fallback) const;
  Result<float> f32_or(std::string_view key, float fallback) const;
  Result<bool> boolean_or(std::string_view key, bool fallback) const;
  Result<std::string> string_or(std::string_view key, std::string_view fallback) const;

  // Arrays: nullptr if the key is missing.
  Result<const std::vector<std::string>*> strings(std::string_view key) const;
  Result<const std::vector<int64_t>*> integers(std::string_view key) const;
  Result<const std::vector<double>*> floats(std::string_view key) const;

 private:
  std::vector<std::pair<std::string, Value>> entries_;
  std::map<std::string, size_t, std::less<>> index_;  // no hash table: a file could make its keys collide
};

/// Where one tensor is and what it holds. Tensors of a File are checked: their shape fits their type and all
/// their bytes are in the source.
struct Tensor {
  std::string name;
  quant::Type type = quant::Type::f32;
  uint32_t n_dims = 1;                    ///< 1..4
  std::array<int64_t, 4> ne{1, 1, 1, 1};  ///< elements, fastest-varying (row length) first
  uint64_t offset = 0;                    ///< bytes from the start of `source`
  uint64_t size = 0;                      ///< bytes
  std::shared_ptr<const ByteSource> source;

  int64_t n_elements() const { return ne[0] * ne[1] * ne[2] * ne[3]; }
};

struct Shard;

/// A GGUF model: one file, or all parts of a split one seen as one.
class File {
 public:
  /// Opens `path` and, if it is the first part of a split model, the others beside it. Errors name the file
  /// and what is wrong with it: byte offset, key or tensor, found and expected.
  static Result<File> open(const std::string& path);

  /// Reads one file from any source. A split model is an error here: there is no path to find its parts by.
  static Result<File> parse(std::shared_ptr<const ByteSource> source);

  uint32_t version() const { return version_; }
  const Metadata& metadata() const { return metadata_; }  ///< of the first part
  const std::vector<Tensor>& tensors() const { return tensors_; }
  const Tensor* find(std::string_view name) const;
  uint64_t size() const;  ///< bytes of all parts

 private:
  Result<void> add(Shard shard);
  Result<void> add_parts(const std::string& first_path, uint32_t count);

  uint32_t version_ = 3;
  Metadata metadata_;
  std::vector<Tensor> tensors_;
  std::map<std::string, size_t, std::less<>> index_;
  std::vector<std::shared_ptr<const ByteSource>> sources_;
};

}  // namespace halcyon::gguf

// The keys that clients must show.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace halcyon::serve {

/// The keys of a file: one per line, '#' begins a comment line. Fails if there is none, or one that no HTTP
/// header can carry. Warns in the log if every user of the machine may read the file.
Result<std::vector<std::string>> read_api_keys(const std::string& path);

class ApiKeys {
 public:
  /// None: no key is one of them, not even the empty one.
  explicit ApiKeys(const std::vector<std::string>& keys);

  /// Whether it is one of the keys, in a time that depends on the length of `key` alone: all SHA-256 digests
  /// are compared to their end.
  bool contains(std::string_view key) const;

 private:
  using Digest = std::array<unsigned char, 32>;
  static std::optional<Digest> digest(std::string_view key);  ///< none if OpenSSL fails

  std::vector<Digest> digests_;
};

}  // namespace halcyon::serve

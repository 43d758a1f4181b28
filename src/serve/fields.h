// Reads the members of a request's JSON object.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "serve/api_error.h"

namespace halcyon::serve {

/// Each method looks at one member and leaves `out` alone if it is absent or null. The first mistake is kept
/// and returned by finish(), as is a member that nobody asked for: what is not supported is refused by name,
/// never passed over.
class Fields {
 public:
  /// `where` is put in front of names in messages: "options.".
  explicit Fields(const Json& object, std::string where = "");

  /// The member, or nullptr if it is absent or null.
  const Json* find(std::string_view name);

  void string(std::string_view name, std::string& out);
  void boolean(std::string_view name, bool& out);
  void number(std::string_view name, float& out);
  void integer(std::string_view name, int32_t& out, int64_t min, int64_t max);
  void integer(std::string_view name, int64_t& out, int64_t min, int64_t max);

  /// A string or a list of strings.
  void strings(std::string_view name, std::vector<std::string>& out, size_t most);

  /// A list of token ids (checked against the vocabulary later).
  void tokens(std::string_view name, std::vector<int32_t>& out);

  /// Known, and without any effect on the answer.
  void accept(std::initializer_list<std::string_view> names);

  /// Not supported, but for this value, which asks for nothing.
  void only(std::string_view name, const Json& value);

  template <class... Args>
  void reject(std::string_view name, fmt::format_string<Args...> format, Args&&... args) {
    keep({ErrorKind::invalid_request,
          fmt::format("\"{}{}\" {}", where_, name, fmt::format(format, std::forward<Args>(args)...)),
          Json::object()});
  }
  void keep(ApiError error);
  bool ok() const { return !error_; }

  Outcome<void> finish();

 private:
  const Json& object_;
  std::string where_;
  std::set<std::string, std::less<>> known_;
  std::optional<ApiError> error_;
};

}  // namespace halcyon::serve

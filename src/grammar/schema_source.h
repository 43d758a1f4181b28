// A schema as it was sent: its keywords, its references, and how much of it may be looked at.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace halcyon::grammar {

using Json = nlohmann::ordered_json;

/// A keyword's place in a schema: `path`.name, or `path`["a name"] if it is no plain word.
std::string path_to(const std::string& path, std::string_view name);
std::string path_to(const std::string& path, std::string_view keyword, size_t index);

class SchemaSource {
 public:
  explicit SchemaSource(const Json& root) : root_(root) {}

  /// Fails if the schema as a whole is too large or nested too deep. To be called first: all else is
  /// recursive.
  Result<void> check_size() const;

  /// A schema as one object without annotations, $ref, allOf and const (which becomes an enum of one), and
  /// what is in them merged into it; {"enum": []} for false. Keywords that are not supported or don't have
  /// the right type are errors.
  Result<Json> flatten(const Json& schema, const std::string& path, int depth);

  /// What the schema's $ref leads to if it says nothing else; otherwise nullptr.
  Result<const Json*> only_reference(const Json& schema, const std::string& path) const;

  /// The schema as compact JSON. Fails when all that was asked for is more than limits::schema_work, or at a
  /// depth above limits::schema_depth.
  Result<std::string> text(const Json& schema, const std::string& path, int depth);

 private:
  Result<const Json*> resolve(const std::string& reference, const std::string& path) const;

  const Json& root_;
  size_t work_ = 0;
};

}  // namespace halcyon::grammar

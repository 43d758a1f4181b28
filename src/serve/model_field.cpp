#include "serve/model_field.h"

#include "base/quote.h"

namespace halcyon::serve {

Outcome<size_t> find_model(const ModelStore& models, std::string_view name) {
  if (const std::optional<size_t> index = models.find(name)) return *index;
  std::string known;
  for (size_t i = 0; i < models.size(); ++i) known += (i > 0 ? ", " : "") + quote(models.info(i).name);
  return refuse(ErrorKind::not_found, "the model {} is not served here; there is {}", quote(name), known);
}

Outcome<size_t> read_model(Fields& fields, const ModelStore& models, std::string_view field) {
  std::string name;
  fields.string(field, name);
  if (!fields.ok()) return 0;  // finish() says so
  return find_model(models, name);
}

}  // namespace halcyon::serve

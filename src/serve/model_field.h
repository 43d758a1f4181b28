// Which model a request is for.
#pragma once

#include "serve/fields.h"
#include "serve/model_store.h"

namespace halcyon::serve {

/// "model" (or `field`), by name; without it the default one. An unknown name is an error that lists those
/// there are.
Outcome<size_t> read_model(Fields& fields, const ModelStore& models, std::string_view field = "model");

/// The model of that name.
Outcome<size_t> find_model(const ModelStore& models, std::string_view name);

}  // namespace halcyon::serve

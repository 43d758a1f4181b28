// Chat templates: Jinja as Hugging Face's transformers renders it, in the subset that templates of models
// use.
#pragma once

#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace halcyon::jinja {

struct Ast;

struct RenderOptions {
  std::optional<std::tm> now;  ///< what strftime_now formats; not set: the local time
};

/// A parsed template. Parse once, render often, from any number of threads.
///
/// Nothing in a template or a context can end the process, hang it or exhaust its memory: see limits.h.
class Template {
 public:
  /// Errors read "line N: what was found and what was expected".
  static Result<Template> parse(std::string_view source);

  /// The text of the template for `context`, an object of the names it can use: "messages", "tools",
  /// "add_generation_prompt", "bos_token", …
  /// Errors read "line N: …"; what the template refuses by itself reads "line N: raised by the template: …".
  Result<std::string> render(const nlohmann::ordered_json& context, const RenderOptions& options = {}) const;

 private:
  explicit Template(std::shared_ptr<const Ast> ast) : ast_(std::move(ast)) {}
  std::shared_ptr<const Ast> ast_;
};

}  // namespace halcyon::jinja

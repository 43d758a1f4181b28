#include "template/template.h"

#include "template/interpreter.h"
#include "template/json.h"
#include "template/parser.h"

namespace halcyon::jinja {
namespace {

std::tm local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  return local;
}

}  // namespace

Result<Template> Template::parse(std::string_view source) {
  TRY(std::shared_ptr<const Ast> ast, jinja::parse(source));
  return Template(std::move(ast));
}

Result<std::string> Template::render(const nlohmann::ordered_json& context,
                                     const RenderOptions& options) const {
  if (!context.is_object())
    return fail("the context of a template must be a JSON object, not {}", context.type_name());
  Runtime rt(options.now ? *options.now : local_time());
  TRY(const Value names, from_json(rt, context));
  return Interpreter(rt).render(*ast_, *names.dict());
}

}  // namespace halcyon::jinja

#include "serve/tool_schema.h"

#include "base/quote.h"

namespace halcyon::serve {
namespace {

using Json = nlohmann::ordered_json;

struct Tool {
  std::string name;
  Json parameters;  ///< schema of the arguments
};

Result<std::vector<Tool>> read_tools(const Json& tools) {
  if (!tools.is_array()) return fail("tools: expected an array");
  std::vector<Tool> read;
  for (const Json& tool : tools) {
    const std::string where = fmt::format("tools[{}]", read.size());
    if (!tool.is_object() || tool.value("type", Json("function")) != "function")
      return fail("{}: expected {{\"type\": \"function\", \"function\": {{…}}}}", where);
    const auto function = tool.find("function");
    if (function == tool.end() || !function->is_object())
      return fail("{}.function: expected an object", where);
    const auto name = function->find("name");
    if (name == function->end() || !name->is_string() || name->get_ref<const std::string&>().empty())
      return fail("{}.function.name: expected a name", where);
    // Without parameters the function takes none.
    Json parameters = function->value(
        "parameters",
        Json{{"type", "object"}, {"properties", Json::object()}, {"additionalProperties", false}});
    if (!parameters.is_object()) return fail("{}.function.parameters: expected a JSON schema", where);
    read.push_back({*name, std::move(parameters)});
  }
  return read;
}

/// Lets references within `schema` begin at `root`, a JSON pointer (RFC 6901) to where it is put.
void move_references(Json& schema, const std::string& root) {
  std::vector<Json*> waiting = {&schema};
  while (!waiting.empty()) {
    Json& at = *waiting.back();
    waiting.pop_back();
    if (!at.is_structured()) continue;
    for (const auto& [key, value] : at.items()) {
      const auto* target = value.get_ptr<const std::string*>();
      if (key == "$ref" && target != nullptr && target->starts_with('#')) {
        value = "#" + root + target->substr(1);
      } else {
        waiting.push_back(&value);
      }
    }
  }
}

Json schema_of(Tool tool, const std::string& root) {
  move_references(tool.parameters, root + "/properties/arguments");
  return {{"type", "object"},
          {"properties", {{"name", {{"const", tool.name}}}, {"arguments", std::move(tool.parameters)}}},
          {"required", {"name", "arguments"}},
          {"additionalProperties", false}};
}

}  // namespace

Result<std::vector<std::string>> tool_names(const Json& tools) {
  TRY(std::vector<Tool> read, read_tools(tools));
  std::vector<std::string> names;
  for (Tool& tool : read) names.push_back(std::move(tool.name));
  return names;
}

Result<Json> call_schema(const Json& tools, std::optional<std::string_view> forced) {
  TRY(std::vector<Tool> read, read_tools(tools));
  if (forced) std::erase_if(read, [&](const Tool& tool) { return tool.name != *forced; });
  if (read.empty())
    return forced ? fail("tools: none is named {}", quote(*forced))
                  : fail("tools: a call needs at least one");
  if (read.size() == 1) return schema_of(std::move(read[0]), "");
  Json any = Json::array();
  for (Tool& tool : read) any.push_back(schema_of(std::move(tool), fmt::format("/anyOf/{}", any.size())));
  return Json{{"anyOf", std::move(any)}};
}

}  // namespace halcyon::serve

// Any bytes as a template, rendered with a context as chats have it.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "template/template.h"

namespace {

const nlohmann::ordered_json& context() {
  static const auto json = nlohmann::ordered_json::parse(R"({
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Où est-ce ? 🦉\n"},
                 {"role": "assistant", "content": null, "tool_calls": [{"type": "function", "id": "c1",
                  "function": {"name": "f", "arguments": {"a": 1, "b": [1.5, true, null, "x"]}}}]},
                 {"role": "tool", "content": "{}", "tool_call_id": "c1"}],
    "tools": [{"type": "function", "function": {"name": "f", "description": "d",
               "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}}}],
    "add_generation_prompt": true, "bos_token": "<s>", "eos_token": "</s>"})");
  return json;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using halcyon::jinja::Template;
  const auto parsed = Template::parse(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!parsed) {
    if (!parsed.error().message.starts_with("line ")) std::abort();
    return 0;
  }
  const auto text = parsed->render(context(), {.now = std::tm{}});
  if (!text && !text.error().message.starts_with("line ")) std::abort();
  return 0;
}

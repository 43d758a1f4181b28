#include <array>

#include "base/quote.h"
#include "measure/dialects.h"
#include "measure/exchange.h"

namespace halcyon::measure {
namespace {

struct Known {
  const char* name;
  const char* path;    ///< that is asked for
  const char* member;  ///< that the answer has
  std::unique_ptr<Dialect> (*make)(HttpClient&, const Json&);
};

/// The most telling first: llama-server also speaks OpenAI's dialect, and so does Ollama.
constexpr std::array kDialects = {
    Known{"llama-server", "/props", "/default_generation_settings", make_llama_server},
    Known{"ollama", "/api/version", "/version", make_ollama},
    Known{"openai", "/v1/models", "/data", make_openai},
};

using State = Detection::State;

Detection ask(HttpClient& client, const Known& known) {
  const Result<HttpAnswer> answer = client.get(known.path);
  if (!answer) return {.state = State::silent, .dialect = nullptr, .why = answer.error().message};
  const std::string what = fmt::format("GET {} gives status {}", known.path, answer->status);
  if (answer->status == 503) return {.state = State::loading, .dialect = nullptr, .why = what};
  if (answer->status == 401 || answer->status == 403)
    return {.state = State::locked, .dialect = nullptr, .why = what};
  const Result<Json> json = parse_json(answer->body);
  const Json* member = json && answer->status == 200 ? find(*json, known.member) : nullptr;
  if (!member || member->is_null() || (std::string_view(known.name) == "openai" && !member->is_array()))
    return {.state = State::unknown, .dialect = nullptr, .why = what};
  return {.state = State::ready,
          .dialect = known.make(client, *json),
          .why = fmt::format("GET {} is answered with {}", known.path, quote(known.member + 1))};
}

}  // namespace

std::vector<std::string> dialect_names() {
  std::vector<std::string> names;
  for (const Known& known : kDialects) names.emplace_back(known.name);
  return names;
}

Detection detect(HttpClient& client, std::string_view wanted) {
  Detection all = {.state = State::unknown, .dialect = nullptr, .why = ""};
  for (const Known& known : kDialects) {
    if (wanted != "auto" && wanted != known.name) continue;
    Detection one = ask(client, known);
    if (one.state == State::ready || one.state == State::silent || one.state == State::loading) return one;
    if (one.state == State::locked) all.state = State::locked;
    all.why += (all.why.empty() ? "" : ", ") + one.why;
  }
  if (all.state == State::locked)
    all.why = fmt::format("{}: the server wants a key: give it with --api-key-file ({})", client.url().text(),
                          all.why);
  else
    all.why = fmt::format("{}: this does not answer as a server of {} does: {}", client.url().text(),
                          wanted == "auto" ? "llama.cpp, Ollama or OpenAI's API" : wanted, all.why);
  return all;
}

}  // namespace halcyon::measure

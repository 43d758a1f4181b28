#include "serve/ollama_request.h"

#include <algorithm>
#include <cmath>

#include "base/quote.h"
#include "serve/ollama_time.h"
#include "serve/sampling_fields.h"

namespace halcyon::serve {
namespace {

void read_keep_alive(Fields& fields, AnswerPlan& plan) {
  const Json* value = fields.find("keep_alive");
  if (!value) return;
  const Result<ModelStore::KeepAlive> time = parse_keep_alive(*value);
  if (!time) return fields.reject("keep_alive", "{}", time.error().message);
  plan.keep_alive = *time;
}

void read_options(Fields& fields, OllamaRequest& ollama) {
  // Ollama's defaults, where they differ from ours.
  engine::SamplingParams& sampling = ollama.request.sampling;
  sampling.top_p = 0.9f;
  sampling.min_p = 0;
  sampling.repeat_penalty = 1.1f;

  const Json* value = fields.find("options");
  if (!value) return;
  Fields options(*value, "options.");
  int32_t num_predict = -1;
  options.integer("num_predict", num_predict, -2, INT32_MAX);
  ollama.request.max_tokens = std::max(num_predict, -1);  // -2 fills the context, -1 does no less here
  int32_t num_ctx = 0;
  options.integer("num_ctx", num_ctx, 1, INT32_MAX);
  if (num_ctx > 0) ollama.num_ctx = num_ctx;
  read_sampling(options, ollama.request);
  options.only("num_keep", 0);  // a full context ends the answer: nothing is shifted out
  options.only("tfs_z", 1);
  options.only("penalize_newline", true);
  options.only("vocab_only", false);
  options.only("embedding_only", false);
  // These only concern how an answer is computed, which is the server's business, and not what it says.
  options.accept({"num_thread", "num_gpu", "main_gpu", "num_batch", "use_mmap", "use_mlock", "low_vram",
                  "numa", "f16_kv", "logits_all"});
  if (const Outcome<void> read = options.finish(); !read) fields.keep(read.error());
}

void read_format(Fields& fields, engine::Request& request) {
  const Json* format = fields.find("format");
  if (!format || *format == "") return;
  if (*format == "json") {
    set_grammar(fields, "format", grammar::Grammar::json_object(), request);
  } else if (format->is_object()) {
    set_grammar(fields, "format", grammar::Grammar::from_json_schema(*format), request);
  } else {
    fields.reject("format", "has to be \"json\" or a JSON schema");
  }
}

/// true, false, or how much: "low", "medium", "high".
void read_think(Fields& fields, const ModelInfo& info, OllamaRequest& ollama) {
  const Json* value = fields.find("think");
  if (!value) return;
  if (value->is_boolean()) {
    ollama.think = value->get<bool>();
  } else if (*value == "low" || *value == "medium" || *value == "high") {
    ollama.think = true;
    ollama.template_values["reasoning_effort"] = *value;
  } else {
    return fields.reject("think", R"(has to be true, false, "low", "medium" or "high")");
  }
  if (*ollama.think && !info.thinks)
    return fields.reject("think", "is not possible: {} does not support thinking", quote(info.name));
  ollama.template_values["enable_thinking"] = *ollama.think;
}

}  // namespace

Outcome<OllamaRequest> read_ollama(Fields& fields, const Services& services) {
  OllamaRequest ollama;
  ollama.plan.dialect = Dialect::ollama;
  fields.string("model", ollama.name);
  TRY(ollama.plan.model, read_model(fields, services.models));
  if (ollama.name.empty()) ollama.name = ollama_name(services.models.info(ollama.plan.model));
  read_keep_alive(fields, ollama.plan);
  read_options(fields, ollama);
  return ollama;
}

void read_ollama_text(Fields& fields, const ModelInfo& info, OllamaRequest& request) {
  request.plan.stream = true;
  request.plan.content_type = "application/x-ndjson";
  fields.boolean("stream", request.plan.stream);
  read_format(fields, request.request);
  read_think(fields, info, request);
  read_logprobs(fields, request.request);
  // A conversation that is too long is refused, and an answer that fills the context ends.
  fields.only("truncate", false);
  fields.only("shift", false);
}

Outcome<void> check_num_ctx(const OllamaRequest& request, const engine::Engine& engine) {
  if (!request.num_ctx || *request.num_ctx <= engine.n_ctx()) return {};
  return refuse(
      ErrorKind::invalid_request,
      "\"options.num_ctx\" is {}, more than the context of {} that is served: ask for less, or serve "
      "with a larger --ctx",
      *request.num_ctx, engine.n_ctx());
}

std::string ollama_name(const ModelInfo& info) {
  return info.name.contains(':') ? info.name : info.name + ":latest";
}

int64_t nanoseconds_of(double milliseconds) { return std::llround(milliseconds * 1e6); }

}  // namespace halcyon::serve

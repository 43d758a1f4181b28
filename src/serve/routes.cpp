// Every path that the server knows.
#include "serve/api.h"
#include "serve/cost.h"
#include "serve/llama_completion.h"
#include "serve/llama_props.h"
#include "serve/llama_tokenizer.h"
#include "serve/ollama_chat.h"
#include "serve/ollama_embed.h"
#include "serve/ollama_generate.h"
#include "serve/ollama_models.h"
#include "serve/openai_chat.h"
#include "serve/openai_completions.h"
#include "serve/openai_embeddings.h"
#include "serve/openai_models.h"

namespace halcyon::serve {
namespace {

constexpr bool kOpen = true;
constexpr std::string_view kModelPath = "/v1/models/";

std::unique_ptr<Exchange> text_reply(std::string type, std::string text) {
  return reply({.status = 200, .content_type = std::move(type), .headers = {}}, std::move(text));
}

}  // namespace

void Api::add_routes() {
  add_openai();
  add_llama_server();
  add_ollama();
  add_cost();
}

void Api::add_openai() {
  for (const char* path : {"/v1/models", "/models"})
    get(
        path, [this](const HttpRequest&) { return openai_models(services_); }, kOpen);
  get(
      std::string(kModelPath),
      [this](const HttpRequest& request) {
        return openai_model(services_, std::string_view(request.path).substr(kModelPath.size()));
      },
      kOpen);
  for (const char* path : {"/v1/chat/completions", "/chat/completions"}) post(path, openai_chat);
  post("/v1/completions", openai_completions);
  for (const char* path : {"/v1/embeddings", "/embeddings"}) post(path, openai_embeddings);
  for (const char* path : {"/v1/responses", "/v1/messages", "/v1/audio/", "/v1/images/", "/v1/moderations"})
    unsupported("POST", path, "ask /v1/chat/completions");
}

void Api::add_llama_server() {
  for (const char* path : {"/health", "/v1/health"})
    get(
        path,
        [](const HttpRequest&) {
          return json_reply({{"status", "ok"}});
        },
        kOpen);
  get("/metrics", [this](const HttpRequest&) -> Outcome<std::unique_ptr<Exchange>> {
    if (!options_.metrics)
      return serve::refuse(ErrorKind::not_supported,
                           "/metrics is switched off: start the server with --metrics");
    return text_reply("text/plain; version=0.0.4",
                      write_metrics(metrics_, services_.models, options_.ledger.get()));
  });
  get("/props", [this](const HttpRequest& request) {
    return llama_props(services_, request.query, options_.n_parallel);
  });
  get("/slots", [this](const HttpRequest& request) {
    return llama_slots(services_, request.query, options_.n_parallel);
  });
  for (const char* path : {"/completion", "/completions"}) post(path, llama_completion);
  post("/tokenize", llama_tokenize);
  post("/detokenize", llama_detokenize);
  post("/apply-template", llama_apply_template);
  for (const char* path : {"/infill", "/embedding", "/rerank", "/reranking", "/v1/rerank", "/v1/reranking",
                           "/lora-adapters", "/props", "/slots/"})
    unsupported("POST", path, "it is not among what this server does");
}

void Api::add_cost() {
  get(
      "/cost", [](const HttpRequest&) { return cost_page(); }, kOpen);
  get("/cost.json", [this](const HttpRequest&) -> Outcome<std::unique_ptr<Exchange>> {
    if (!options_.ledger) return serve::refuse(ErrorKind::not_supported, "this server has no energy meter");
    return json_reply(cost_json(*options_.ledger));
  });
}

void Api::add_ollama() {
  get(
      "/", [](const HttpRequest&) { return text_reply("text/plain; charset=utf-8", "Ollama is running"); },
      kOpen);
  get("/api/version", [this](const HttpRequest&) { return ollama_version(services_); });
  get("/api/tags", [this](const HttpRequest&) { return ollama_tags(services_); });
  get("/api/ps", [this](const HttpRequest&) { return ollama_ps(services_); });
  post("/api/show", [](const Services& services, const Json& body, const std::string&, const Wake&) {
    return ollama_show(services, body);
  });
  post("/api/chat", ollama_chat);
  post("/api/generate", ollama_generate);
  post("/api/embed", ollama_embed);
  post("/api/embeddings", ollama_embeddings);
  for (const char* path : {"/api/pull", "/api/push", "/api/create", "/api/copy", "/api/blobs/"})
    unsupported("POST", path, "the models are those that the server was started with");
  unsupported("DELETE", "/api/delete", "the models are those that the server was started with");
}

}  // namespace halcyon::serve

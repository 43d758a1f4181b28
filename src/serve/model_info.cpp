#include "serve/model_info.h"

#include <openssl/evp.h>

#include <array>
#include <chrono>
#include <filesystem>

#include "gguf/summary.h"

namespace halcyon::serve {
namespace {

constexpr std::string_view kEmbeddedName = "halcyon-tiny";

std::string sha256(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned int length = 0;
  EVP_Digest(text.data(), text.size(), hash.data(), &length, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned int i = 0; i < length; ++i) hex += fmt::format("{:02x}", hash[i]);
  return hex;
}

int64_t modified(const std::string& path) {
  std::error_code error;
  const auto time = std::filesystem::last_write_time(path, error);
  if (error) return 0;
  const auto since = std::chrono::file_clock::to_sys(time).time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(since).count();
}

Json scalar(const gguf::Value& value) {
  const auto to_json = [&]<class T>(const T& data) -> Json {
    if constexpr (std::is_same_v<T, gguf::Array>) return nullptr;
    if constexpr (std::is_same_v<T, int64_t>)
      if (value.type == gguf::ValueType::u64) return static_cast<uint64_t>(data);
    if constexpr (!std::is_same_v<T, gguf::Array>) return data;
  };
  return std::visit(to_json, value.data);
}

}  // namespace

Result<ModelInfo> describe(const gguf::File& file, const ModelSource& source) {
  const gguf::Metadata& metadata = file.metadata();
  ModelInfo info;
  info.path = source.path;
  info.size = file.size();
  info.name = !source.alias.empty() ? source.alias
              : source.path.empty() ? std::string(kEmbeddedName)
                                    : std::filesystem::path(source.path).stem().string();
  info.modified = source.path.empty() ? 0 : modified(source.path);
  TRY(info.architecture, metadata.string("general.architecture"));
  TRY(info.n_ctx_train, metadata.u32_or(info.architecture + ".context_length", 0));
  TRY(info.n_embd, metadata.u32_or(info.architecture + ".embedding_length", 0));
  TRY(const std::vector<std::string>* const tokens, metadata.strings("tokenizer.ggml.tokens"));
  const auto token = [&](std::string_view key) {
    const Result<uint32_t> id = metadata.u32_or(key, UINT32_MAX);
    return tokens && id && *id < tokens->size() ? (*tokens)[*id] : "";
  };
  info.n_vocab = tokens ? tokens->size() : 0;
  info.bos = token("tokenizer.ggml.bos_token_id");
  info.eos = token("tokenizer.ggml.eos_token_id");
  TRY(info.chat_template, metadata.string_or("tokenizer.chat_template", ""));
  // Keys are unique already: appending keeps a file with very many of them from taking quadratic time.
  auto& members = info.metadata.get_ref<Json::object_t&>();
  for (const auto& [key, value] : metadata.entries()) members.emplace_back(key, scalar(value));
  info.thinks = info.chat_template.contains("<think>");
  info.calls_tools = info.chat_template.contains("tools");

  const gguf::Summary summary = gguf::summarise(file);
  info.n_params = summary.n_params;
  info.parameter_size = summary.parameter_size;
  info.quantization = summary.quantization;
  std::string described = fmt::format("{}\n{}\n{}\n", source.path, info.size, info.modified);
  for (const gguf::Tensor& tensor : file.tensors())
    described += fmt::format("{} {} {}\n", tensor.name, static_cast<int>(tensor.type), tensor.size);
  info.digest = sha256(described);
  return info;
}

}  // namespace halcyon::serve

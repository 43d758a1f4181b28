#include "serve/api_keys.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <filesystem>
#include <span>

#include "base/byte_source.h"
#include "base/log.h"

namespace halcyon::serve {
namespace {

constexpr uint64_t kMaxKeyFile = 1 << 20;
constexpr std::string_view kSpace = " \t\r";

std::string_view trim(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  return text.substr(0, text.find_last_not_of(kSpace) + 1);
}

void warn_if_public(const std::string& path) {
  std::error_code error;
  const auto permissions = std::filesystem::status(path, error).permissions();
  if (!error && (permissions & std::filesystem::perms::others_read) != std::filesystem::perms::none)
    spdlog::warn("{}: every user of this machine can read the keys: chmod o-r protects them", path);
}

}  // namespace

Result<std::vector<std::string>> read_api_keys(const std::string& path) {
  TRY(const auto file, open_file(path));
  if (file->size() > kMaxKeyFile)
    return fail("{}: {} bytes, a file of keys has at most {}", path, file->size(), kMaxKeyFile);
  std::string text(file->size(), 0);
  CHECK_OK(file->read(0, std::as_writable_bytes(std::span(text))));

  std::vector<std::string> keys;
  std::string_view rest = text;
  for (int line = 1; !rest.empty(); ++line) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view key = trim(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (key.empty() || key.starts_with('#')) continue;
    if (!std::ranges::all_of(key, [](char c) { return c > ' ' && c < 0x7f; }))
      return fail("{}:{}: a key has neither spaces nor other characters than those of ASCII", path, line);
    keys.emplace_back(key);
  }
  if (keys.empty()) return fail("{}: no keys: write one per line", path);
  warn_if_public(path);
  return keys;
}

ApiKeys::ApiKeys(const std::vector<std::string>& keys) {
  for (const std::string& key : keys) {
    if (const auto known = digest(key)) digests_.push_back(*known);
  }
}

bool ApiKeys::contains(std::string_view key) const {
  const std::optional<Digest> wanted = digest(key);
  if (!wanted) return false;
  int equal = 0;
  for (const Digest& known : digests_)
    equal |= CRYPTO_memcmp(known.data(), wanted->data(), wanted->size()) == 0;
  return equal != 0;
}

std::optional<ApiKeys::Digest> ApiKeys::digest(std::string_view key) {
  Digest digest;
  const auto* bytes = reinterpret_cast<const unsigned char*>(key.data());
  if (SHA256(bytes, key.size(), digest.data()) == nullptr) return std::nullopt;
  return digest;
}

}  // namespace halcyon::serve

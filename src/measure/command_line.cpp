#include "measure/command_line.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <ranges>
#include <string_view>

#include "base/quote.h"

namespace halcyon::measure {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 6> kSecrets{"--api-key",  "--key",      "--token",
                                                   "--password", "--hf-token", "-hft"};

bool is_secret(std::string_view option) { return std::ranges::find(kSecrets, option) != kSecrets.end(); }

}  // namespace

std::string without_secrets(const std::vector<std::string>& command) {
  std::string text;
  bool hide = false;
  for (const std::string& word : command) {
    const size_t value = word.find('=') + 1;  // 0: none
    const bool has_secret = value > 0 && is_secret(std::string_view(word).substr(0, value - 1));
    text += text.empty() ? "" : " ";
    text += hide ? "***" : has_secret ? word.substr(0, value) + "***" : word;
    hide = !hide && is_secret(word);
  }
  return text;
}

Result<void> look_up(const std::string& program) {
  const auto can_run = [](const fs::path& file) {
    std::error_code error;
    return fs::is_regular_file(file, error) && ::access(file.c_str(), X_OK) == 0;
  };
  const char* path = std::getenv("PATH");
  const std::string_view folders = program.contains('/') ? "" : path ? path : "/bin:/usr/bin";
  for (const auto& folder : std::views::split(folders, ':'))
    if (can_run(fs::path(std::string_view(folder)) / program)) return {};
  if (program.contains('/') && can_run(program)) return {};
  return fail("{}: cannot be started: there is no such program", quote(program));
}

}  // namespace halcyon::measure

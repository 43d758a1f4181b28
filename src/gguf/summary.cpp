#include "gguf/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

namespace halcyon::gguf {
namespace {

std::string count(uint64_t n) {
  const auto x = static_cast<double>(n);
  if (n >= 1'000'000'000) return fmt::format("{:.1f}B", x / 1e9);
  if (n >= 1'000'000) return fmt::format("{:.1f}M", x / 1e6);
  return fmt::format("{:.1f}K", x / 1e3);
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return out;
}

}  // namespace

Summary summarise(const File& file) {
  Summary out;
  std::map<quant::Type, uint64_t> bytes;
  for (const Tensor& tensor : file.tensors()) {
    out.n_params += static_cast<uint64_t>(tensor.n_elements());
    out.tensor_bytes += tensor.size;
    bytes[tensor.type] += tensor.size;
  }
  out.parameter_size = count(out.n_params);
  if (!bytes.empty()) {
    const auto most = std::ranges::max_element(bytes, {}, [](const auto& entry) { return entry.second; });
    out.quantization = upper(quant::name_of(most->first));
  }
  return out;
}

}  // namespace halcyon::gguf

// Every GGUF file of the conformance data is read whole.
#include <gmock/gmock.h>

#include <chrono>

#include "gguf/gguf.h"
#include "tests/support/support.h"

namespace halcyon::gguf {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_in(const fs::path& dir) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(dir))
    if (entry.path().extension() == ".gguf") files.push_back(entry.path());
  return files;
}

TEST(Conformance, EveryModelParsesAndItsTensorsDecode) {
  SKIP_WITHOUT_CONFORMANCE();
  const auto files = files_in(test::conformance_dir() / "models");
  EXPECT_GE(files.size(), 20u);
  for (const auto& path : files) {
    ASSERT_OK_AND_ASSIGN(const File file, File::open(path));
    EXPECT_EQ(file.size(), fs::file_size(path));
    ASSERT_OK_AND_ASSIGN(const std::string architecture, file.metadata().string("general.architecture"));
    ASSERT_OK_AND_ASSIGN(const uint32_t n_layer, file.metadata().u32(architecture + ".block_count"));
    EXPECT_GT(n_layer, 0u);
    EXPECT_FALSE(file.tensors().empty());
    for (const Tensor& tensor : file.tensors()) {
      std::vector<std::byte> bytes(tensor.size);
      ASSERT_OK(tensor.source->read(tensor.offset, bytes));
      std::vector<float> values(static_cast<size_t>(tensor.n_elements()));
      ASSERT_NE(quant::traits(tensor.type).decode, nullptr) << tensor.name;
      quant::traits(tensor.type).decode(bytes.data(), values.data(), values.size());
      for (const float v : values) ASSERT_LT(std::abs(v), 1e4f) << path << " " << tensor.name;
    }
  }
}

TEST(Conformance, VocabulariesOf150000TokensParseInAFractionOfASecond) {
  SKIP_WITHOUT_CONFORMANCE();
  const auto start = std::chrono::steady_clock::now();
  ASSERT_OK_AND_ASSIGN(const File file, File::open(test::conformance_dir() / "tokenizers" / "qwen2.gguf"));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  ASSERT_OK_AND_ASSIGN(const auto* tokens, file.metadata().strings("tokenizer.ggml.tokens"));
  ASSERT_NE(tokens, nullptr);
  EXPECT_GT(tokens->size(), 150'000u);
  RecordProperty("seconds", fmt::to_string(seconds.count()));
  fmt::print("{} tokens in {:.3f} s\n", tokens->size(), seconds.count());
}

}  // namespace
}  // namespace halcyon::gguf

// Real vocabularies and the ids that llama.cpp gives for texts, easy and hard.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "gguf/gguf.h"
#include "tests/support/support.h"
#include "tokenizer/tokenizer.h"

namespace halcyon::tokenizer {
namespace {

using nlohmann::json;

std::string bytes_of(const json& test) {
  if (!test.contains("bytes_hex")) return test.at("text");
  const std::string hex = test.at("bytes_hex");
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

class Conformance : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_CONFORMANCE();
    const std::string path = (test::conformance_dir() / "tokenizers" / GetParam()).string();
    ASSERT_OK_AND_ASSIGN(const auto file, gguf::File::open(path + ".gguf"));
    ASSERT_OK_AND_ASSIGN(Tokenizer loaded, Tokenizer::load(file.metadata()));
    tokenizer_.emplace(std::move(loaded));
    easy_ = json::parse(test::read_file(path + ".json"));
    hard_ = json::parse(test::read_file(path + ".more.json"));
  }

  void expect_ids(const json& tests) {
    for (size_t i = 0; i < tests.size(); i++) {
      SCOPED_TRACE(testing::Message() << "text " << i);
      const bool parse_special = tests[i].value("parse_special", true);
      ASSERT_OK_AND_ASSIGN(const auto ids, tokenizer_->encode(bytes_of(tests[i]), false, parse_special));
      EXPECT_EQ(ids, tests[i].at("ids").get<std::vector<Token>>()) << bytes_of(tests[i]);
    }
  }

  std::optional<Tokenizer> tokenizer_;
  json easy_, hard_;
};

TEST_P(Conformance, TextsHaveTheIdsOfTheReference) { expect_ids(easy_); }

TEST_P(Conformance, HardTextsHaveTheIdsOfTheReference) { expect_ids(hard_); }

INSTANTIATE_TEST_SUITE_P(Vocabularies, Conformance,
                         testing::Values("deepseek-coder", "gpt-2", "llama-spm", "qwen2"),
                         [](const auto& param) {
                           std::string name = param.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace halcyon::tokenizer

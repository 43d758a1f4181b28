// Every model of the conformance data gives the logits and the greedy tokens that were computed for it
// elsewhere.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "model/model.h"
#include "tests/support/reference_executor.h"
#include "tests/support/support.h"

namespace halcyon::model {
namespace {

const nlohmann::json& expected_logits() {
  static const auto json = nlohmann::json::parse(test::read_file(test::conformance_dir() / "logits.json"));
  return json;
}

std::vector<std::string> model_names() {
  if (test::conformance_dir().empty()) return {"none"};  // skipped, not silently left out
  std::vector<std::string> names;
  for (const auto& [name, unused] : expected_logits().items()) names.push_back(name);
  return names;
}

class ModelConformance : public ::testing::TestWithParam<std::string> {};

TEST_P(ModelConformance, GivesTheReferenceLogitsAndGreedyTokens) {
  SKIP_WITHOUT_CONFORMANCE();
  const nlohmann::json& expected = expected_logits()[GetParam()];
  const auto prompt = expected["prompt"].get<std::vector<int32_t>>();
  const auto greedy = expected["greedy"].get<std::vector<int32_t>>();
  ASSERT_OK_AND_ASSIGN(const gguf::File file,
                       gguf::File::open(test::conformance_dir() / "models" / GetParam()));
  ASSERT_OK_AND_ASSIGN(const Model model, build(file, 512));
  ASSERT_OK_AND_ASSIGN(auto executor, test::ReferenceExecutor::create(model.program));

  // One pass over the prompt and the expected tokens: if the model agrees, each of them follows what is
  // before it.
  std::vector<int32_t> tokens = prompt;
  tokens.insert(tokens.end(), greedy.begin(), greedy.end() - 1);
  std::vector<int32_t> positions;
  for (size_t i = prompt.size() - 1; i < tokens.size(); i++) positions.push_back(static_cast<int32_t>(i));
  ASSERT_OK_AND_ASSIGN(const std::vector<float> logits, executor.logits(tokens, positions));

  const auto n_vocab = static_cast<size_t>(model.config.n_vocab);
  const auto row = [&](size_t i) { return std::span(logits).subspan(i * n_vocab, n_vocab); };
  // The expected logits of gemma3 come from a float16 table of GELU, 3e-7 away from the formula.
  const double limit = model.config.architecture == "gemma3" ? 1e-6 : 1e-10;
  EXPECT_LE(test::nmse(row(0), expected["logits"].get<std::vector<float>>()), limit);
  for (size_t i = 0; i < greedy.size(); i++) {
    EXPECT_EQ(std::ranges::max_element(row(i)) - row(i).begin(), greedy[i])
        << "token " << i << " after the prompt";
  }
}

INSTANTIATE_TEST_SUITE_P(Models, ModelConformance, ::testing::ValuesIn(model_names()),
                         [](const auto& instance) {
                           std::string name = instance.param.substr(0, instance.param.rfind(".gguf"));
                           std::ranges::replace_if(
                               name, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); },
                               '_');
                           return name;
                         });

}  // namespace
}  // namespace halcyon::model

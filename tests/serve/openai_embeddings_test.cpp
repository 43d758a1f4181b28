// POST /v1/embeddings
#include "serve/openai_embeddings.h"

#include <gmock/gmock.h>

#include "tests/serve/fake_server.h"

namespace halcyon::serve {
namespace {

using test::Answer;
using test::ask;
using test::FakeServer;
using testing::ElementsAre;
using testing::FloatEq;
using testing::HasSubstr;

Answer embed(FakeServer& server, const Json& body) { return ask(server, openai_embeddings, body); }

void expect_error(const Answer& answer, int status, const testing::Matcher<std::string>& message) {
  EXPECT_EQ(answer.head.status, status);
  EXPECT_THAT(answer.json()["error"]["message"].get<std::string>(), message);
}

// The hidden state of the model is (3, 4), multiplied by the number of tokens.

TEST(OpenAiEmbeddings, AreVectorsOfLengthOne) {
  FakeServer server;
  const Json answer = embed(server, {{"model", "tiny"}, {"input", "hello"}}).json();
  EXPECT_EQ(answer["object"], "list");
  EXPECT_EQ(answer["model"], "tiny");
  EXPECT_EQ(answer["usage"], Json({{"prompt_tokens", 5}, {"total_tokens", 5}}));
  ASSERT_EQ(answer["data"].size(), 1u);
  EXPECT_EQ(answer["data"][0]["object"], "embedding");
  EXPECT_EQ(answer["data"][0]["index"], 0);
  EXPECT_THAT(answer["data"][0]["embedding"].get<std::vector<float>>(),
              ElementsAre(FloatEq(0.6f), FloatEq(0.8f)));
}

TEST(OpenAiEmbeddings, InputsAreTextsOrTokensAndComeBackInTheirOrder) {
  FakeServer server;
  const std::vector<std::pair<Json, size_t>> inputs = {
      {Json("ab"), 1},
      {Json({'a', 'b'}), 1},
      {Json({"a", "b", "c"}), 3},
      {Json({Json::array({'a'}), Json::array({'b', 'c'})}), 2}};
  for (const auto& [input, n] : inputs) {
    SCOPED_TRACE(input);
    const Json answer = embed(server, {{"input", input}}).json();
    ASSERT_EQ(answer["data"].size(), n);
    for (size_t i = 0; i < n; ++i) EXPECT_EQ(answer["data"][i]["index"], i);
  }
}

TEST(OpenAiEmbeddings, MoreInputsThanPlacesAreOneRequest) {
  FakeServer server({{}}, {}, /*places=*/1);
  EXPECT_EQ(embed(server, {{"input", std::vector<std::string>(256, "x")}}).json()["data"].size(), 256u);
}

TEST(OpenAiEmbeddings, Base64IsFloat32LittleEndian) {
  FakeServer server;
  const Json answer = embed(server, {{"input", "hello"}, {"encoding_format", "base64"}}).json();
  EXPECT_EQ(answer["data"][0]["embedding"], "mpkZP83MTD8=");
}

TEST(OpenAiEmbeddings, WrongFieldsAreRefusedByName) {
  FakeServer server;
  expect_error(embed(server, Json::object()), 400, HasSubstr("\"input\" is missing"));
  expect_error(embed(server, {{"input", Json::array()}}), 400, HasSubstr("\"input\" has to be"));
  expect_error(embed(server, {{"input", ""}}), 400, HasSubstr("prompt is empty"));
  expect_error(embed(server, {{"input", std::vector<std::string>(257, "x")}}), 400, HasSubstr("at most 256"));
  expect_error(embed(server, {{"input", "x"}, {"encoding_format", "hex"}}), 400, HasSubstr("base64"));
  expect_error(embed(server, {{"input", "x"}, {"dimensions", 1}}), 501, HasSubstr("\"dimensions\""));
  expect_error(embed(server, {{"input", "x"}, {"model", "other"}}), 404, HasSubstr("\"other\""));
  expect_error(embed(server, {{"input", "x"}, {"stream", true}}), 400, HasSubstr("\"stream\""));
  EXPECT_EQ(embed(server, {{"input", "x"}, {"dimensions", 2}, {"user", "me"}}).head.status, 200);
}

TEST(OpenAiEmbeddings, OneInputThatIsTooLongIsAnError) {
  FakeServer server({{.options = {.n_ctx = 8}}});
  const Answer answer = embed(server, {{"input", {"short", "longer than that"}}});
  expect_error(answer, 400, HasSubstr("16 tokens"));
  EXPECT_EQ(answer.json()["error"]["type"], "exceed_context_size_error");
}

}  // namespace
}  // namespace halcyon::serve

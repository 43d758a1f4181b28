#include "engine/chat.h"

#include <gmock/gmock.h>

#include "tests/engine/fake_model.h"
#include "tests/support/support.h"

namespace halcyon::engine {
namespace {

using test::byte_tokenizer;
using testing::HasSubstr;

const nlohmann::ordered_json kConversation = {{{"role", "system"}, {"content", "Be brief."}},
                                              {{"role", "user"}, {"content", "Hi"}}};

TEST(Chat, RendersTheTemplateOfTheFile) {
  const auto tokenizer = byte_tokenizer(
      false,
      "{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}{{ eos_token }}{% endfor %}"
      "{% if add_generation_prompt %}[assistant]{% endif %}");
  ASSERT_OK_AND_ASSIGN(const ChatTemplate chat, ChatTemplate::load(tokenizer));
  ASSERT_OK_AND_ASSIGN(const std::string text, chat.render(kConversation));
  EXPECT_EQ(text, "<s>[system] Be brief.<|im_end|>[user] Hi<|im_end|>[assistant]");
}

TEST(Chat, FallsBackToChatMl) {
  const auto tokenizer = byte_tokenizer();
  ASSERT_OK_AND_ASSIGN(const ChatTemplate chat, ChatTemplate::load(tokenizer));
  ASSERT_OK_AND_ASSIGN(const std::string text, chat.render(kConversation));
  EXPECT_EQ(
      text,
      "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
}

TEST(Chat, ABrokenTemplateIsAnErrorWithItsLine) {
  EXPECT_ERROR(ChatTemplate::load(byte_tokenizer(false, "\n{% for %}")), HasSubstr("chat template: line 2"));
}

TEST(Chat, WhatATemplateRefusesIsAnError) {
  const auto tokenizer = byte_tokenizer(false, "{{ raise_exception('roles must alternate') }}");
  ASSERT_OK_AND_ASSIGN(const ChatTemplate chat, ChatTemplate::load(tokenizer));
  EXPECT_ERROR(chat.render(kConversation), HasSubstr("roles must alternate"));
}

TEST(Chat, ControlTokensOfThePromptAreTokens) {
  ASSERT_OK_AND_ASSIGN(const auto tokens, encode_prompt(byte_tokenizer(), "<|im_start|>a<|im_end|>"));
  EXPECT_EQ(tokens, (std::vector<Token>{test::kStart, 'a', test::kEnd}));
}

TEST(Chat, BosComesOnceWhetherOrNotTheTemplateWritesIt) {
  for (const char* text : {"a", "<s>a"}) {
    ASSERT_OK_AND_ASSIGN(const auto tokens, encode_prompt(byte_tokenizer(/*add_bos=*/true), text));
    EXPECT_EQ(tokens, (std::vector<Token>{test::kBos, 'a'}));
  }
  ASSERT_OK_AND_ASSIGN(const auto tokens, encode_prompt(byte_tokenizer(/*add_bos=*/false), "a"));
  EXPECT_EQ(tokens, std::vector<Token>{'a'});
}

TEST(Chat, AModelWithABrokenTemplateStillCompletesText) {
  const auto script = std::make_shared<test::Script>();
  script->next = test::say("p", "x");
  const auto engine = test::fake_engine(script, {.chat_template = "{% if %}"});
  EXPECT_ERROR(engine->chat_prompt(kConversation), HasSubstr("chat template"));
  Request request;
  request.prompt = {'p'};
  const auto generation = *engine->submit(request);
  EXPECT_EQ(test::collect(*generation).text, "x");
}

}  // namespace
}  // namespace halcyon::engine

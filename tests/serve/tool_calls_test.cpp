#include "serve/tool_calls.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/random.h"
#include "serve/tool_schema.h"
#include "tests/support/support.h"

namespace halcyon::serve {

static void PrintTo(const ToolCall& call, std::ostream* out) { *out << call.name << call.arguments; }
static void PrintTo(const ToolAnswer& answer, std::ostream* out) {
  *out << "text " << testing::PrintToString(answer.text) << ", calls "
       << testing::PrintToString(answer.calls);
}

namespace {

using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<std::string> kNames = {"weather", "time"};

/// What comes out of an answer that arrives in pieces of the lengths that `length` gives.
template <class Length>
ToolAnswer parse_pieces(ToolFormat format, std::string_view answer, Length length) {
  const auto parser = make_tool_call_parser(format, kNames);
  ToolAnswer all;
  const auto add = [&](const std::vector<ToolEvent>& events) {
    for (const ToolEvent& event : events) {
      if (const auto* text = std::get_if<std::string>(&event)) all.text += *text;
      if (const auto* call = std::get_if<ToolCall>(&event)) all.calls.push_back(*call);
    }
  };
  while (!answer.empty()) {
    const size_t n = std::min(answer.size(), length());
    add(parser->push(answer.substr(0, n)));
    answer.remove_prefix(n);
  }
  add(parser->finish());
  return all;
}

/// The text and the calls of an answer, however it is cut.
void expect_parsed(ToolFormat format, std::string_view answer, const ToolAnswer& expected) {
  SCOPED_TRACE(testing::PrintToString(answer));
  EXPECT_EQ(parse_tool_calls(format, kNames, answer), expected) << "in one piece";
  EXPECT_EQ(parse_pieces(format, answer, [] { return size_t{1}; }), expected) << "byte by byte";
  for (size_t cut = 1; cut < answer.size(); ++cut) {
    bool first = true;
    const auto length = [&] { return std::exchange(first, false) ? cut : answer.size(); };
    EXPECT_EQ(parse_pieces(format, answer, length), expected) << "cut at " << cut;
  }
}

void expect_hermes(std::string_view answer, const ToolAnswer& expected) {
  expect_parsed(ToolFormat::hermes, answer, expected);
}
void expect_llama3(std::string_view answer, const ToolAnswer& expected) {
  expect_parsed(ToolFormat::llama3, answer, expected);
}

/// An answer without calls comes out as it is.
void expect_text(ToolFormat format, std::string_view answer) {
  expect_parsed(format, answer, {std::string(answer), {}});
}

TEST(ToolFormat, IsWhatTheTemplateTellsTheModelToWrite) {
  EXPECT_EQ(detect_tool_format("… within <tool_call></tool_call> XML tags …"), ToolFormat::hermes);
  EXPECT_EQ(detect_tool_format(R"(Respond in the format {"name": function name, "parameters": …})"),
            ToolFormat::llama3);
  EXPECT_EQ(detect_tool_format("{{- '<|python_tag|>' }}"), ToolFormat::llama3);
  EXPECT_EQ(detect_tool_format("Environment: ipython"), ToolFormat::llama3);
  EXPECT_EQ(detect_tool_format("<tool_call> ipython"), ToolFormat::hermes);
  EXPECT_EQ(detect_tool_format("{{ messages }}"), ToolFormat::hermes);
}

TEST(HermesCalls, AreBetweenTags) {
  expect_hermes("<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Ulm\"}}\n</tool_call>",
                {"", {{"weather", R"({"city":"Ulm"})"}}});
  expect_hermes(R"(<tool_call>{"arguments":{},"name":"time"}</tool_call>)", {"", {{"time", "{}"}}});
}

TEST(HermesCalls, MayBeSeveralWithTextAround) {
  expect_hermes(
      "Let me see.\n"
      "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Ulm\"}}\n</tool_call>\n"
      "<tool_call>\n{\"name\": \"time\", \"arguments\": {}}\n</tool_call>\n"
      "One moment.\n",
      {"Let me see.\nOne moment.\n", {{"weather", R"({"city":"Ulm"})"}, {"time", "{}"}}});
}

TEST(HermesCalls, LoseTheWhiteSpaceAroundThem) {
  expect_hermes("\n\n<tool_call>{\"name\": \"time\", \"arguments\": {}} </tool_call> \n",
                {"", {{"time", "{}"}}});
  expect_text(ToolFormat::hermes, "\n\n");
  expect_text(ToolFormat::hermes, "\n Hello. \n");
}

TEST(HermesCalls, NeedNoClosingTag) {
  expect_hermes(R"(<tool_call>{"name": "time", "arguments": {}})", {"", {{"time", "{}"}}});
  expect_hermes(R"(<tool_call>{"name": "time", "arguments": {}}</tool)", {"", {{"time", "{}"}}});
  expect_hermes(R"(<tool_call>{"name": "time", "arguments": {}}<tool_call>{"name": "time", "arguments": {}})",
                {"", {{"time", "{}"}, {"time", "{}"}}});
}

TEST(HermesCalls, HoldAnyJsonInTheirArguments) {
  expect_hermes(
      R"(<tool_call>{"name": "time", "arguments": {"a": [1, -2.5e3, {"b": null}], "t": "ü \"</tool_call>\" }\\"}}</tool_call>)",
      {"", {{"time", R"({"a":[1,-2500.0,{"b":null}],"t":"ü \"</tool_call>\" }\\"})"}}});
}

TEST(HermesCalls, MayNameAToolThatIsNotThere) {  // the caller tells the model so
  expect_hermes(R"(<tool_call>{"name": "moon", "arguments": {}}</tool_call>)", {"", {{"moon", "{}"}}});
}

TEST(HermesCalls, ThatAreNoneStayText) {
  for (const char* answer : {
           "<tool_call>",
           "<tool_call>\n\n",
           "<tool_call>hello</tool_call>",
           "<tool_call>[]</tool_call>",
           "<tool_call><tool_call>",
           R"(<tool_call>{"name": "time"}</tool_call>)",
           R"(<tool_call>{"name": "time", "arguments": "{}"}</tool_call>)",
           R"(<tool_call>{"name": "time", "arguments": []}</tool_call>)",
           R"(<tool_call>{"name": 1, "arguments": {}}</tool_call>)",
           R"(<tool_call>{"name": "time", "arguments": {,}}</tool_call>)",
           R"(<tool_call>{"name": "time", "arguments": {]}}</tool_call>)",
           R"(<tool_call>{"name": "time, "arguments": {}}</tool_call>)",
           "<tool_call>{\"name\": \"time\", \"arguments\": {\"a\": \"b\nc\"}}</tool_call>",
           "<tool_call>{\"name\": \"time\", \"arguments\": {\"a\": \"\xff\"}}</tool_call>",
           "a < b, <tool>, </tool_call>, <tool_cal",
       }) {
    expect_text(ToolFormat::hermes, answer);
  }
}

TEST(HermesCalls, ThatAreCutOffStayText) {
  const std::string call = R"(<tool_call>{"name": "time", "arguments": {"a": [1, "b"]}})";
  for (size_t n = 0; n < call.size(); ++n) expect_text(ToolFormat::hermes, call.substr(0, n));
}

TEST(HermesCalls, AreFoundAfterWhatIsNone) {
  expect_hermes(
      "<tool_call>{\"name\": \"time}\n</tool_call>\n"
      R"(<tool_call>{"name": "time", "arguments": {}}</tool_call>)",
      {"<tool_call>{\"name\": \"time}\n</tool_call>\n", {{"time", "{}"}}});
  expect_hermes(R"(<<tool_call><tool_call>{"name": "time", "arguments": {}}</tool_call>)",
                {"<<tool_call>", {{"time", "{}"}}});
}

TEST(HermesCalls, TextIsHeldBackOnlyWhileItMayBeACall) {
  const auto parser = make_tool_call_parser(ToolFormat::hermes, kNames);
  EXPECT_THAT(parser->push("a < b <tool"), ElementsAre(ToolEvent("a < b ")));
  EXPECT_THAT(parser->push("s> <tool_call>{"), ElementsAre(ToolEvent("<tools> ")));
  EXPECT_THAT(parser->push(R"("name": "time", "arguments": {})"), ElementsAre());
  EXPECT_THAT(parser->push("} \n"), ElementsAre(ToolEvent(ToolCall{"time", "{}"})));
  EXPECT_THAT(parser->push("</tool_call>b"), ElementsAre(ToolEvent("b")));
  EXPECT_THAT(parser->finish(), ElementsAre());
}

TEST(HermesCalls, AreBoundedInDepthAndSize) {
  const auto nested = [](size_t depth) {
    return R"(<tool_call>{"name": "time", "arguments": {"a": )" + std::string(depth, '[') +
           std::string(depth, ']') + "}}</tool_call>";
  };
  EXPECT_EQ(parse_tool_calls(ToolFormat::hermes, kNames, nested(62)).calls.size(), 1);
  EXPECT_EQ(parse_tool_calls(ToolFormat::hermes, kNames, nested(63)).text, nested(63));
  EXPECT_EQ(parse_tool_calls(ToolFormat::hermes, kNames, nested(100'000)).text, nested(100'000));

  const auto parser = make_tool_call_parser(ToolFormat::hermes, kNames);
  EXPECT_THAT(parser->push("<tool_call>{\"name"), ElementsAre());
  EXPECT_THAT(parser->push(std::string(ToolCallParser::kMaxBytes, 'a')), testing::SizeIs(1));
  EXPECT_THAT(parser->finish(), ElementsAre());
}

TEST(Llama3Calls, AreTheWholeAnswer) {
  expect_llama3(R"({"name": "weather", "parameters": {"city": "Ulm"}})",
                {"", {{"weather", R"({"city":"Ulm"})"}}});
  expect_llama3("\n{\"name\": \"time\", \"arguments\": {}}\n", {"", {{"time", "{}"}}});
  expect_llama3(R"(<|python_tag|>{"name": "time", "parameters": {}})", {"", {{"time", "{}"}}});
}

TEST(Llama3Calls, MayBeSeveral) {
  expect_llama3(
      R"({"name": "weather", "parameters": {"city": "Ulm; {"}}; {"name": "time", "parameters": {}})",
      {"", {{"weather", R"({"city":"Ulm; {"})"}, {"time", "{}"}}});
  expect_llama3("{\"name\": \"time\", \"parameters\": {}}\n{\"name\": \"time\", \"parameters\": {}};\n",
                {"", {{"time", "{}"}, {"time", "{}"}}});
}

TEST(Llama3Calls, ThatAreNotTheWholeAnswerStayText) {
  for (const char* answer : {
           "",
           " ",
           "It is 4.",
           "; {\"name\": \"time\", \"parameters\": {}}",
           R"(See: {"name": "time", "parameters": {}})",
           R"({"name": "time", "parameters": {}} is a call.)",
           R"({"name": "time", "parameters": {}}; {"a": 1})",
           R"({"name": "time", "parameters": {}}; {"name": "time", "param)",
           R"({"name": "moon", "parameters": {}})",
           R"({"name": "time", "parameters": 1})",
           R"({"answer": 4})",
           R"({name})",
           "<|python_tag|>",
           "<|python_tag|>print(1)",
           "<|python {}",
           R"(<|python_tag|><|python_tag|>{"name": "time", "parameters": {}})",
       }) {
    expect_text(ToolFormat::llama3, answer);
  }
}

TEST(Llama3Calls, ThatAreCutOffStayText) {
  const std::string call = R"(<|python_tag|>{"name": "time", "parameters": {"a": [1, "b"]}})";
  for (size_t n = 0; n < call.size(); ++n) expect_text(ToolFormat::llama3, call.substr(0, n));
}

TEST(Llama3Calls, TextIsNotHeldBackOnceItIsNoCall) {
  const auto parser = make_tool_call_parser(ToolFormat::llama3, kNames);
  EXPECT_THAT(parser->push(" It"), ElementsAre(ToolEvent(" It")));
  EXPECT_THAT(parser->push(" {"), ElementsAre(ToolEvent(" {")));
  EXPECT_THAT(parser->finish(), ElementsAre());
}

TEST(Llama3Calls, AreBoundedInSize) {
  std::string answer;
  while (answer.size() <= ToolCallParser::kMaxBytes) answer += R"({"name": "time", "parameters": {}};)";
  EXPECT_EQ(parse_tool_calls(ToolFormat::llama3, kNames, answer), (ToolAnswer{answer, {}}));
}

TEST(ToolCalls, AreTheSameInRandomPieces) {
  constexpr uint64_t kSeed = 5;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  engine::Random random(kSeed);
  const std::string_view parts[] = {"<tool_call>",
                                    "</tool_call>",
                                    R"({"name": "time", "arguments": {}})",
                                    "{",
                                    "}",
                                    "\"",
                                    "\n",
                                    "<",
                                    ";",
                                    "<|python_tag|>",
                                    "text",
                                    "\\",
                                    " "};
  for (int round = 0; round < 2000; ++round) {
    std::string answer;
    for (uint64_t n = random.next() % 10; n > 0; --n) answer += parts[random.next() % std::size(parts)];
    for (const ToolFormat format : {ToolFormat::hermes, ToolFormat::llama3}) {
      ASSERT_EQ(parse_pieces(format, answer, [&] { return 1 + random.next() % 7; }),
                parse_tool_calls(format, kNames, answer))
          << testing::PrintToString(answer);
    }
  }
}

const ordered_json kTools = ordered_json::parse(R"([
  {"type": "function", "function": {"name": "weather", "parameters": {
    "type": "object", "properties": {"city": {"$ref": "#/$defs/City"}}, "$defs": {"City": {"type": "string"}}}}},
  {"type": "function", "function": {"name": "time"}}])");

TEST(CallSchema, NamesOneToolAndItsArguments) {
  ASSERT_OK_AND_ASSIGN(const ordered_json schema, call_schema(kTools, "weather"));
  EXPECT_EQ(schema, ordered_json::parse(R"({
    "type": "object",
    "properties": {
      "name": {"const": "weather"},
      "arguments": {"type": "object", "properties": {"city": {"$ref": "#/properties/arguments/$defs/City"}},
                    "$defs": {"City": {"type": "string"}}}},
    "required": ["name", "arguments"],
    "additionalProperties": false})"));
}

TEST(CallSchema, IsAChoiceOfTheTools) {
  ASSERT_OK_AND_ASSIGN(const ordered_json schema, call_schema(kTools));
  ASSERT_EQ(schema["anyOf"].size(), 2);
  EXPECT_EQ(schema["anyOf"][0]["properties"]["arguments"]["properties"]["city"]["$ref"],
            "#/anyOf/0/properties/arguments/$defs/City");
  EXPECT_EQ(schema["anyOf"][1]["properties"]["arguments"],
            ordered_json::parse(R"({"type": "object", "properties": {}, "additionalProperties": false})"));
}

TEST(CallSchema, SaysWhatIsWrongWithTheTools) {
  const auto error_of = [](const char* tools) {
    const auto names = tool_names(ordered_json::parse(tools));
    return names ? "" : names.error().message;
  };
  EXPECT_THAT(error_of("{}"), HasSubstr("tools: expected an array"));
  EXPECT_THAT(error_of("[1]"), HasSubstr("tools[0]: expected"));
  EXPECT_THAT(error_of(R"([{"type": "web_search"}])"), HasSubstr("tools[0]: expected"));
  EXPECT_THAT(error_of(R"([{"type": "function"}])"), HasSubstr("tools[0].function: expected"));
  EXPECT_THAT(error_of(R"([{"function": {"name": "a"}}, {"function": {"name": ""}}])"),
              HasSubstr("tools[1].function.name: expected"));
  EXPECT_THAT(error_of(R"([{"function": {"name": "a", "parameters": []}}])"),
              HasSubstr("tools[0].function.parameters: expected"));
  EXPECT_ERROR(call_schema(kTools, "moon"), HasSubstr("none is named \"moon\""));
  EXPECT_ERROR(call_schema(ordered_json::array()), HasSubstr("at least one"));
  ASSERT_OK_AND_ASSIGN(const auto names, tool_names(kTools));
  EXPECT_EQ(names, kNames);
}

}  // namespace
}  // namespace halcyon::serve

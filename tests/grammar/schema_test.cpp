// JSON Schema: for each keyword, texts that are accepted and texts that are not.
#include "tests/grammar/matching.h"

namespace halcyon::grammar {
namespace {

using test::expect_texts;
using test::from_schema;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(JsonObject, AnyObjectAndNothingElse) {
  expect_texts(Grammar::json_object(),
               {"{}", "{ }", R"({"a":1})", R"({"a": [1, -2.5e+10, true, null, {"b": ""}], "": {}})",
                "{\n  \"a\": [\n    1\n  ]\n}", R"({"é\n\u00e9\ud83e\udd89\/": "\"\\"})"},
               {"", "[]", "1", "{", R"({"a":})", R"({"a":1,})", R"({a:1})", R"({"a":01})", R"({"a":.5})",
                R"({"a":1.})", "{\"a\":\"\n\"}", R"({"a":"\x"})", R"({"a":"\ud83e"})", "{}x",
                R"({"a":"\u12"})", R"({"a":nul})"});
}

TEST(JsonObject, WhiteSpaceAndNumbersHaveAnEnd) {
  ASSERT_OK_AND_ASSIGN(const auto grammar, Grammar::json_object());
  EXPECT_FALSE(Matcher(grammar).allows("{" + test::repeated(" ", 100)));
  EXPECT_FALSE(Matcher(grammar).allows("{\n" + test::repeated(" ", 100)));
  EXPECT_FALSE(Matcher(grammar).allows("{\"a\":" + test::repeated("1", 100)));
  Matcher matcher(grammar);
  ASSERT_TRUE(matcher.accept("{}"));
  EXPECT_TRUE(matcher.finished());
}

TEST(Schema, Types) {
  expect_texts(from_schema(R"({"type": "string"})"), {R"("")", R"("aé\"\u0041")"},
               {"a", "1", R"("a)", "\"\t\""});
  expect_texts(from_schema(R"({"type": "integer"})"), {"0", "-7", "120"}, {"1.0", "01", "1e3", "-"});
  expect_texts(from_schema(R"({"type": "number"})"), {"0", "-7.25", "1e-3"}, {"1.", "+1", "\"1\"", "NaN"});
  expect_texts(from_schema(R"({"type": "boolean"})"), {"true", "false"}, {"True", "1"});
  expect_texts(from_schema(R"({"type": "null"})"), {"null"}, {"0"});
  expect_texts(from_schema(R"({"type": ["integer", "null"]})"), {"1", "null"}, {"true"});
  expect_texts(from_schema(R"({"type": "array"})"), {"[]", R"([1, "a", []])"}, {"{}", "[1,]"});
  expect_texts(from_schema(R"({"type": "object"})"), {"{}", R"({"a": 1})"}, {"[]"});
  for (const std::string_view any : {"true", "{}", R"({"title": "anything", "default": 1})"})
    expect_texts(from_schema(any), {"1", "null", R"("a")", "[{}]"}, {"", "x"});
}

TEST(Schema, PropertiesInTheirOrder) {
  expect_texts(
      from_schema(R"({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "boolean"}},
                               "required": ["a", "b"], "additionalProperties": false})"),
      {R"({"a":1,"b":true})", R"({ "a": 1, "b": true })", "{\n  \"a\": 1,\n  \"b\": false\n}"},
      {R"({"b":true,"a":1})", R"({"a":1})", R"({"a":1,"b":1})", R"({"a":1,"b":true,"c":1})", "{}"});
}

TEST(Schema, OptionalProperties) {
  const std::string_view schema =
      R"({"properties": {"a": {"const": 1}, "b": {"const": 2}, "c": {"const": 3}}, "required": ["b"]})";
  expect_texts(from_schema(schema),
               {R"({"b":2})", R"({"a":1,"b":2})", R"({"b":2,"c":3})", R"({"a":1,"b":2,"c":3})"},
               {"{}", R"({"a":1})", R"({"a":1,"c":3})", R"({"b":2,})", R"({,"b":2})", R"({"b":2,"b":2})",
                R"({"b":2,"d":4})"});
  expect_texts(from_schema(R"({"properties": {"a": {"const": 1}, "b": {"const": 2}}})"),
               {"{}", "{ }", R"({"a":1})", R"({"b":2})", R"({"a":1, "b":2})"}, {R"({"b":2,"a":1})", "{,}"});
}

TEST(Schema, FurtherProperties) {
  expect_texts(
      from_schema(
          R"({"properties": {"ab": {"type": "integer"}}, "additionalProperties": {"type": "string"}})"),
      {"{}", R"({"ab":1})", R"({"ab":1,"x":"y","abc":""})", R"({"a":"","":"1"})", R"({"é\"\\":"x"})"},
      {R"({"ab":"x"})", R"({"x":1})", R"({"x":"", "ab":""})", R"({"\u0061b":"x"})"});
  expect_texts(
      from_schema(R"({"properties": {"a": {"const": 1}}, "required": ["a"], "additionalProperties": true})"),
      {R"({"a":1})", R"({"a":1,"b":[{}]})"}, {"{}", R"({"b":1})", R"({"a":1,"a":2})"});
  expect_texts(from_schema(R"({"type": "object", "additionalProperties": {"type": "integer"}})"),
               {"{}", R"({"a":1,"b":2})"}, {R"({"a":"x"})"});
  expect_texts(from_schema(R"({"type": "object", "required": ["x"]})"), {R"({"x":[]})", R"({"x":1})"},
               {"{}"});
  expect_texts(from_schema(R"({"type": "object", "additionalProperties": false})"), {"{}"}, {R"({"a":1})"});
}

TEST(Schema, Items) {
  expect_texts(from_schema(R"({"items": {"type": "integer"}})"), {"[]", "[ ]", "[1]", "[1, 2,3 ]"},
               {"[true]", "[,]", "[1 2]"});
  expect_texts(from_schema(R"({"type": "array", "minItems": 2, "maxItems": 3})"), {"[1,2]", "[1,2,3]"},
               {"[]", "[1]", "[1,2,3,4]"});
  expect_texts(from_schema(R"({"type": "array", "minItems": 1})"), {"[1]", "[1,2,3,4]"}, {"[]"});
  expect_texts(from_schema(R"({"type": "array", "maxItems": 0})"), {"[]"}, {"[1]"});
}

TEST(Schema, PrefixItems) {
  const auto schema = [](std::string_view more) {
    return from_schema(R"({"prefixItems": [{"const": 1}, {"const": 2}])" + std::string(more) + "}");
  };
  expect_texts(schema(""), {"[]", "[1]", "[1,2]"}, {"[2]", "[1,2,3]"});
  expect_texts(schema(R"(, "minItems": 2)"), {"[1,2]"}, {"[]", "[1]"});
  expect_texts(schema(R"(, "items": {"const": 3}, "minItems": 1)"), {"[1]", "[1,2]", "[1,2,3,3]"},
               {"[]", "[1,3]", "[1,2,2]"});
  expect_texts(schema(R"(, "items": {"const": 3}, "minItems": 3, "maxItems": 4)"), {"[1,2,3]", "[1,2,3,3]"},
               {"[1,2]", "[1,2,3,3,3]"});
  expect_texts(schema(R"(, "maxItems": 1)"), {"[]", "[1]"}, {"[1,2]"});
}

TEST(Schema, LengthOfStringsInCharacters) {
  expect_texts(from_schema(R"({"type": "string", "minLength": 2, "maxLength": 3})"),
               {R"("ab")", R"("日本語")", R"("\n\u0041\ud83e\udd89")"}, {R"("a")", R"("abcd")", R"("")"});
  expect_texts(from_schema(R"({"type": "string", "minLength": 2})"), {R"("ab")", R"("abcdefgh")"},
               {R"("a")"});
  expect_texts(from_schema(R"({"maxLength": 1})"), {R"("")", R"("é")"}, {R"("ab")", "1"});
}

TEST(Schema, Patterns) {
  const auto pattern = [](const char* text) {
    return Grammar::from_json_schema({{"type", "string"}, {"pattern", text}});
  };
  expect_texts(pattern("^[a-z]+-\\d{2,3}$"), {R"("ab-12")", R"("x-123")"},
               {R"("-12")", R"("ab-1")", R"("Ab-12")", R"("ab-1234")"});
  expect_texts(pattern("^(?:foo|ba[rz])?$"), {R"("")", R"("foo")", R"("baz")"}, {R"("ba")"});
  expect_texts(pattern("^a$|^b+?$"), {R"("a")", R"("bb")"}, {R"("aa")", R"("ab")"});
  expect_texts(pattern("^.\\.\\x41\\u00e9\\/$"), {R"("x.Aé/")", R"("é.Aé/")"}, {R"("xxAé/")", R"("\n.Aé/")"});
  expect_texts(pattern("^\\w\\s\\S\\D\\W$"), {R"("a bc!")", R"("_\tx\"\\")"}, {R"("abbc!")", R"("a b1!")"});
  expect_texts(pattern("^[^\\d\"-]$"), {R"("a")", R"("\n")", R"("\u0001")"}, {R"("1")", R"("\"")", R"("-")"});
  EXPECT_ERROR(pattern("abc"), AllOf(StartsWith("$.pattern: \"abc\" is not anchored"), HasSubstr("^…$")));
  EXPECT_ERROR(pattern("^abc"), HasSubstr("is not anchored"));
  for (const char* unsupported : {"^(?=a)$", "^(?<n>a)$", "^\\bx$", "^\\p{L}$", "^(a)\\1$", "^a**$", "^a^$",
                                  "^(a$", "^[a$", "^a{2$", "^a{3,2}$", "^a)$", "^[z-a]$"})
    EXPECT_ERROR(pattern(unsupported), StartsWith("$.pattern: "));
}

TEST(Schema, Formats) {
  const auto format = [](const char* name) {
    return Grammar::from_json_schema({{"type", "string"}, {"format", name}});
  };
  expect_texts(format("date"), {R"("2024-02-29")"}, {R"("2024-13-01")", R"("24-01-01")", R"("2024-01-32")"});
  expect_texts(format("time"), {R"("23:59:59Z")", R"("00:00:00.123+02:00")"},
               {R"("24:00:00Z")", R"("12:00:00")"});
  expect_texts(format("date-time"), {R"("2024-02-29T12:00:00Z")"}, {R"("2024-02-29 12:00:00Z")"});
  expect_texts(format("uuid"), {R"("123e4567-e89b-12d3-a456-426614174000")"},
               {R"("123e4567e89b12d3a456426614174000")"});
  expect_texts(format("email"), {R"("anything")"}, {"1"});
}

TEST(Schema, IntegersInARange) {
  const auto check = [](const char* schema, int64_t first, int64_t last) {
    SCOPED_TRACE(schema);
    ASSERT_OK_AND_ASSIGN(const auto grammar, from_schema(schema));
    for (int64_t value = -1'200; value <= 1'200; ++value)
      EXPECT_EQ(test::accepts(grammar, std::to_string(value)), value >= first && value <= last) << value;
    EXPECT_FALSE(test::accepts(grammar, "-0"));
    EXPECT_FALSE(test::accepts(grammar, "007"));
  };
  check(R"({"type": "integer", "minimum": 0})", 0, 9999);
  check(R"({"type": "integer", "minimum": -105, "maximum": 987})", -105, 987);
  check(R"({"type": "integer", "exclusiveMinimum": 9, "exclusiveMaximum": 1000})", 10, 999);
  check(R"({"type": "integer", "maximum": -1})", -9999, -1);
  check(R"({"type": "integer", "minimum": -0.5, "maximum": 3.7})", 0, 3);
  check(R"({"type": "integer", "minimum": 5, "exclusiveMinimum": 2})", 5, 9999);
  check(R"({"type": "integer", "minimum": 11, "maximum": 11})", 11, 11);
  expect_texts(from_schema(R"({"type": "integer", "minimum": 0, "maximum": 9000000000000000000})"),
               {"9000000000000000000", "8999999999999999999"},
               {"9000000000000000001", "10000000000000000000"});
  EXPECT_ERROR(from_schema(R"({"type": "integer", "minimum": 2, "maximum": 1})"),
               HasSubstr("no text that it accepts"));
  EXPECT_ERROR(from_schema(R"({"type": "integer", "minimum": 1e300})"), StartsWith("$.minimum: only limits"));
}

TEST(Schema, NumbersInARange) {
  expect_texts(from_schema(R"({"type": "number", "minimum": 0, "maximum": 1})"),
               {"0", "0.0", "0.25", "1", "1.00"}, {"-0.1", "1.01", "2", "10"});
  expect_texts(from_schema(R"({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 100})"),
               {"0.001", "1", "99.99"}, {"0", "0.0", "100", "100.0", "-1"});
  expect_texts(from_schema(R"({"type": "number", "minimum": -2, "exclusiveMaximum": 0})"),
               {"-2", "-1.5", "-0.1", "-2.0"}, {"0", "-2.1", "-0", "-0.0", "1"});
  expect_texts(from_schema(R"({"minimum": -1})"), {"-1", "-0.5", "0", "0.5", "12345.5"},
               {"-1.5", "-2", "\"a\""});
  EXPECT_ERROR(from_schema(R"({"type": "number", "minimum": 0.5})"),
               StartsWith("$.minimum: for numbers that are not whole"));
}

TEST(Schema, EnumAndConst) {
  expect_texts(from_schema(R"({"enum": ["a", "b\"", 1, null, [1, {"x": 2}]]})"),
               {R"("a")", R"("b\"")", "1", "null", R"([1,{"x":2}])"}, {R"("c")", "2", "[1]"});
  expect_texts(from_schema(R"({"const": "é"})"), {R"("é")"}, {R"("e")"});
  expect_texts(from_schema(R"({"type": "string", "enum": ["a", 1]})"), {R"("a")"}, {"1"});
  expect_texts(from_schema(R"({"enum": [1, 2], "const": 2})"), {"2"}, {"1"});
  EXPECT_ERROR(from_schema(R"({"enum": []})"), HasSubstr("no text that it accepts"));
  EXPECT_ERROR(from_schema("false"), HasSubstr("no text that it accepts"));
  EXPECT_ERROR(from_schema(R"({"enum": ["a"], "minLength": 1})"), StartsWith("$: \"minLength\" beside enum"));
}

TEST(Schema, Alternatives) {
  for (const char* keyword : {"anyOf", "oneOf"}) {
    expect_texts(Grammar::from_json_schema({{keyword, {{{"type", "integer"}}, {{"const", "x"}}}}}),
                 {"1", R"("x")"}, {R"("y")", "null"});
  }
  expect_texts(from_schema(R"({"type": "object", "properties": {"a": {"const": 1}, "b": {"const": 2}},
                               "anyOf": [{"required": ["a"]}, {"required": ["b"]}]})"),
               {R"({"a":1})", R"({"b":2})", R"({"a":1,"b":2})"}, {"{}"});
  expect_texts(
      from_schema(R"({"type": ["string", "null"], "anyOf": [{"type": "string"}, {"type": "integer"}]})"),
      {R"("a")"}, {"1", "null"});
  expect_texts(
      from_schema(R"({"anyOf": [{"const": 1}, {"const": 2}], "oneOf": [{"const": 2}, {"const": 3}]})"), {"2"},
      {"1", "3"});
}

TEST(Schema, AllOfMergesObjects) {
  expect_texts(from_schema(R"({"allOf": [{"properties": {"a": {"type": "integer"}}, "required": ["a"]},
                                         {"properties": {"b": {"type": "string"}, "a": {"minimum": 5}}, "required": ["b"]}]})"),
               {R"({"a":5,"b":""})"}, {R"({"a":4,"b":""})", R"({"a":5})", R"({"b":""})"});
  expect_texts(
      from_schema(
          R"({"properties": {"a": {}}, "additionalProperties": false, "allOf": [{"properties": {"b": {}}}]})"),
      {"{}", R"({"a":1})"}, {R"({"b":1})"});
  expect_texts(
      from_schema(R"({"allOf": [{"type": ["integer", "string"]}, {"type": "number"}], "maximum": 3})"),
      {"3", "-10"}, {"4", "1.5", R"("a")"});
  expect_texts(
      from_schema(R"({"allOf": [{"items": {"minimum": 1}}, {"items": {"type": "integer"}, "maxItems": 1}]})"),
      {"[1]", "[]"}, {"[0]", "[1,1]", "[1.5]"});
  EXPECT_ERROR(from_schema(R"({"allOf": [{"pattern": "^a$"}, {"pattern": "^b$"}]})"),
               StartsWith("$: \"pattern\" of several schemas"));
  EXPECT_ERROR(from_schema(R"({"allOf": [{"prefixItems": [{}]}, {"items": {}}]})"),
               HasSubstr("of several schemas"));
}

TEST(Schema, References) {
  expect_texts(
      from_schema(
          R"({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"$ref": "#/definitions/c"}}, "definitions": {"c": {"const": 1}}})"),
      {"1"}, {"2"});
  expect_texts(
      from_schema(
          R"({"properties": {"v": {"const": 1}, "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}, "required": ["v", "next"]})"),
      {R"({"v":1,"next":null})", R"({"v":1,"next":{"v":1,"next":null}})"},
      {R"({"v":1})", R"({"v":1,"next":{}})"});
  expect_texts(
      from_schema(
          R"({"$ref": "#/$defs/tree", "$defs": {"tree": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}})"),
      {"[]", "[[],[[]]]"}, {"[1]"});
  expect_texts(
      from_schema(
          R"({"properties": {"n": {"$ref": "#/$defs/n", "maximum": 5, "description": "small"}}, "$defs": {"n": {"type": "integer", "minimum": 1}}})"),
      {R"({"n":5})"}, {R"({"n":6})", R"({"n":0})"});
  // A schema that narrows itself, again and again, is still one rule.
  expect_texts(from_schema(R"({"type": "object", "properties": {"a": {"$ref": "#", "required": ["a"]}}})"),
               {"{}"}, {R"({"a":{}})"});
  EXPECT_ERROR(from_schema(R"({"$ref": "#/$defs/x"})"),
               StartsWith("$.$ref: \"#/$defs/x\" is not in the schema"));
  EXPECT_ERROR(from_schema(R"({"$ref": "https://example.com/s"})"),
               StartsWith("$.$ref: \"https://example.com/s\" is not supported"));
}

TEST(Schema, WhatIsNotSupportedIsNamedWithItsPath) {
  for (const char* keyword :
       {"not", "if", "patternProperties", "dependentSchemas", "multipleOf", "uniqueItems", "contains",
        "propertyNames", "minProperties", "unevaluatedProperties", "nullable", "anything"}) {
    const nlohmann::ordered_json schema = {{"properties", {{"a", {{keyword, true}}}}}};
    EXPECT_ERROR(Grammar::from_json_schema(schema),
                 testing::StrEq("$.properties.a: \"" + std::string(keyword) + "\" is not supported"));
  }
  EXPECT_ERROR(from_schema(R"({"items": {"anyOf": [{}, {"not": {}}]}})"),
               StartsWith("$.items.anyOf[1]: \"not\""));
  EXPECT_ERROR(from_schema(R"({"properties": {"a b": {"not": {}}}})"),
               StartsWith("$.properties[\"a b\"]: \"not\""));
  EXPECT_ERROR(from_schema(R"({"type": "text"})"), StartsWith("$.type: expected array, boolean"));
  EXPECT_ERROR(from_schema(R"({"type": "string", "minLength": -1})"),
               StartsWith("$.minLength: expected a whole number from 0"));
  EXPECT_ERROR(from_schema(R"({"properties": []})"),
               StartsWith("$.properties: expected an object of schemas, found array"));
  EXPECT_ERROR(from_schema("[]"), StartsWith("$: expected a schema"));
  EXPECT_ERROR(from_schema(R"({"pattern": "^a$", "minLength": 1})"), HasSubstr("together with"));
}

TEST(Schema, AnnotationsChangeNothing) {
  expect_texts(
      from_schema(
          R"({"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "x", "title": "t", "description": "d",
                               "$comment": "c", "default": 1, "examples": [1], "strict": true, "deprecated": true, "x-order": 1,
                               "type": "integer"})"),
      {"1"}, {"true"});
}

}  // namespace
}  // namespace halcyon::grammar

#include "report/measurement.h"

#include <gmock/gmock.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/report/sample.h"
#include "tests/support/support.h"

namespace halcyon::report {
namespace {

using Json = nlohmann::ordered_json;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

/// The full document with one value replaced.
Json with(const std::string& pointer, const Json& value) {
  Json document = to_json(test::full_measurement());
  document.at(Json::json_pointer(pointer)) = value;
  return document;
}

TEST(Measurement, HasTheMembersThatOthersRelyOn) {
  const Json document = to_json(test::full_measurement());
  EXPECT_EQ(document["schema_version"], 1);
  EXPECT_EQ(document["idle"]["after_load"]["cpu_percent"], 254);
  EXPECT_EQ(document["idle"]["after_generation"]["cpu_percent"], 240);
  EXPECT_EQ(document["throughput"]["prefill"][0]["tokens"], 512);
  EXPECT_EQ(document["throughput"]["prefill"][0]["median_tps"], 354.25);
  EXPECT_EQ(document["throughput"]["decode"]["cold_tps"], 36.06);
  EXPECT_EQ(document["throughput"]["decode"]["warm_tps"], 48.21);
  EXPECT_EQ(document["energy"]["j_per_token"]["prefill"], 0.15);
  EXPECT_EQ(document["energy"]["j_per_token"]["decode"], 1.5);
  EXPECT_EQ(document["energy"]["source"], "amdgpu hwmon3 power1_average");
  EXPECT_EQ(document["burn"]["cause"], "cpu_spin");
  EXPECT_EQ(document["burn"]["hot_ranges"][0],
            Json::parse(R"({"object": "/opt/rocm/lib/libhsa-runtime64.so", "offset": 633600, "size": 608,
                            "share": 0.97, "symbol": "rocr::core::Runtime::AsyncEventsLoop"})"));
}

TEST(Measurement, ComesBackAsItWas) {
  Measurement barely_begun;
  barely_begun.started_at = "2026-05-31T14:22:33Z";
  for (const Measurement& m : {test::full_measurement(), barely_begun}) {
    ASSERT_OK_AND_ASSIGN(const Measurement back, parse_measurement(to_text(m), "a.json"));
    EXPECT_EQ(to_text(back), to_text(m));
  }
}

TEST(Measurement, WhatIsNotKnownIsNull) {
  const Json document = to_json({});
  for (const char* pointer : {"/id", "/protocol", "/load_seconds", "/idle/before", "/idle/after_load",
                              "/throughput/decode/warm_tps", "/energy/source", "/energy/j_per_token/decode",
                              "/burn/cause", "/memory/rss_peak", "/machine/cores", "/target/pid"})
    EXPECT_TRUE(document.at(Json::json_pointer(pointer)).is_null()) << pointer;
}

TEST(Measurement, MayBeWrittenByHandWithWhatIsKnown) {
  ASSERT_OK_AND_ASSIGN(const Measurement m, parse_measurement(R"({
    "schema_version": 1, "started_at": "2026-05-31T00:00:00Z", "complete": false,
    "throughput": {"decode": {"tokens": 128, "warm_tps": 36.2}}})",
                                                              "a.json"));
  EXPECT_EQ(m.throughput.decode.warm_tps, 36.2);
  EXPECT_EQ(m.throughput.decode.cold_tps, std::nullopt);
  EXPECT_EQ(m.idle.after_load.has_value(), false);
  EXPECT_EQ(m.burn.cause, "");
}

TEST(Measurement, MembersOfALaterVersionArePassedOver) {
  Json document = to_json(test::full_measurement());
  document["throughput"]["decode"]["news"] = {1, 2};
  document["news"] = "yes";
  ASSERT_OK_AND_ASSIGN(const Measurement m, from_json(document));
  EXPECT_EQ(to_text(m), to_text(test::full_measurement()));
}

TEST(Measurement, ANewerSchemaIsRefused) {
  EXPECT_ERROR(from_json(with("/schema_version", 2)),
               HasSubstr("of schema version 2, and this Halcyon reads up to 1: use a newer one"));
  for (const char* wrong : {"0", "-1", "1.5"})
    EXPECT_ERROR(from_json(with("/schema_version", Json::parse(wrong))),
                 HasSubstr(std::string(wrong) + " is no schema_version"));
  for (const Json& wrong : {Json("1"), Json()})
    EXPECT_ERROR(from_json(with("/schema_version", wrong)), HasSubstr("it has no schema_version"));
  for (const Json& wrong : {Json::array(), Json::object(), Json(), Json(1)})
    EXPECT_ERROR(from_json(wrong), HasSubstr("it has no schema_version"));
}

TEST(Measurement, AMistakeIsNamed) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto mistake = [](const std::string& pointer, const Json& value) {
    const auto read = from_json(with(pointer, value));
    return read ? "none" : read.error().message;
  };
  EXPECT_EQ(mistake("/throughput/prefill/0/tps/1", "fast"),
            "throughput.prefill[0].tps[1]: a number from 0 to 1e+15 was expected");
  EXPECT_EQ(mistake("/idle/after_load/threads/0/name", 5),
            "idle.after_load.threads[0].name: a text was expected");
  EXPECT_EQ(mistake("/throughput/prefill/0/tokens", 1.5),
            "throughput.prefill[0].tokens: a whole number from 0 to 2147483647 was expected");
  EXPECT_EQ(mistake("/energy/measured", 1), "energy.measured: true or false was expected");
  EXPECT_EQ(mistake("/energy/j_per_token", 1), "energy.j_per_token: an object was expected");
  EXPECT_EQ(mistake("/tasks", 1), "tasks: a list was expected");
  EXPECT_EQ(mistake("/tasks/0", Json()), "tasks[0]: null is no element of a list");
  EXPECT_EQ(mistake("/burn/cause", "gremlins"),
            "burn.cause: \"gremlins\" is none of none, cpu_spin, gpu_pinned, kernel_worker");
  EXPECT_EQ(mistake("/burn/hot_ranges/0/share", 1.01),
            "burn.hot_ranges[0].share: a number from 0 to 1 was expected");
  EXPECT_EQ(mistake("/versions", {{"kernel\n", 6}}), R"(versions."kernel\n": a text was expected)");
  EXPECT_EQ(mistake("/id", "../../etc"), R"(id: "../../etc" is not of the form 20260531-142233-1a2b)");
  for (const char* wrong :
       {"yesterday", "9999-99-99T99:99:99Z", "2026-02-29T00:00:00Z", "2026-05-31T24:00:00Z",
        "2026-05-31T00:60:00Z", "2026-05-31T00:00:61Z", "2026-00-01T00:00:00Z"})
    EXPECT_EQ(mistake("/started_at", wrong),
              "started_at: a time of the form 2026-05-31T14:22:33Z was expected");
  EXPECT_EQ(mistake("/started_at", "2028-02-29T23:59:60Z"), "none");
  for (const Json& wrong : {Json(-1), Json(1e300), Json(nan), Json("1"), Json::array({1})})
    EXPECT_THAT(mistake("/load_seconds", wrong), StartsWith("load_seconds: a number")) << wrong;
  EXPECT_EQ(mistake("/energy/server_idle_watts", -0.5), "none");  // it may use less than the noise
}

TEST(Measurement, AFileOfAStrangerIsBounded) {
  EXPECT_ERROR(parse_measurement(std::string(100'000, '['), "a.json"),
               HasSubstr("a.json: not a measurement: nested deeper than 16"));
  EXPECT_ERROR(parse_measurement(std::string(17 << 20, ' '), "a.json"), HasSubstr("too many"));
  EXPECT_ERROR(parse_measurement("{\"schema_version\": 1,", "a.json"),
               AllOf(HasSubstr("a.json: not JSON: parse error at line 1"), Not(HasSubstr("exception"))));
  EXPECT_ERROR(parse_measurement("", "a.json"), HasSubstr("a.json: not JSON"));
  EXPECT_ERROR(from_json(with("/throughput/prefill/0/tps", Json(std::vector<double>(10'001, 1)))),
               HasSubstr("10001 elements, 10000 are the most"));
  EXPECT_ERROR(from_json(with("/burn/method", std::string(10'001, 'x'))),
               HasSubstr("burn.method: 10001 bytes, 10000 are the most"));
  EXPECT_ERROR(load_measurement("/no/such/file.json"), HasSubstr("/no/such/file.json"));
  EXPECT_ERROR(load_measurement("/dev/zero"), HasSubstr("not a regular file"));
}

TEST(Measurement, BytesThatAreNotUtf8DoNotSpoilTheDocument) {
  Measurement m = test::full_measurement();
  m.target.command = "run \xff\xfe";
  ASSERT_OK_AND_ASSIGN(const Measurement back, parse_measurement(to_text(m), "a.json"));
  EXPECT_EQ(back.target.command, "run \uFFFD\uFFFD");
}

TEST(Measurement, ItsIdIsWhenItBeganAndAHashOfTheRest) {
  Measurement m = test::full_measurement();
  const std::string id = make_id(m);
  EXPECT_THAT(id, StartsWith("20260531-142233-"));
  EXPECT_TRUE(is_id(id));
  m.id = "20000101-000000-ffff";
  EXPECT_EQ(make_id(m), id);
  m.load_seconds = 28;
  EXPECT_NE(make_id(m), id);
  for (const char* wrong : {"", "last", "20260531-142233", "20260531-142233-1A2B", "20260531-142233-1a2b/"})
    EXPECT_FALSE(is_id(wrong)) << wrong;
}

/// Compares an object of the full document with its schema, and all below it.
void expect_same_members(const Json& schema, const Json& root, const Json& value, const std::string& where) {
  if (schema.contains("$ref"))
    return expect_same_members(root.at(Json::json_pointer(schema["$ref"].get<std::string>().substr(1))), root,
                               value, where);
  if (schema.contains("anyOf")) return expect_same_members(schema["anyOf"][0], root, value, where);
  if (value.is_array()) {
    ASSERT_FALSE(value.empty()) << where << ": the sample leaves it empty";
    expect_same_members(schema.at("items"), root, value[0], where + "[]");
  } else if (value.is_object() && schema.contains("properties")) {
    std::set<std::string> described, written;
    for (const auto& [name, property] : schema["properties"].items()) described.insert(name);
    for (const auto& [name, member] : value.items()) written.insert(name);
    EXPECT_EQ(described, written) << where;
    for (const auto& [name, property] : schema["properties"].items())
      if (value.contains(name)) expect_same_members(property, root, value[name], where + "." + name);
  } else {
    EXPECT_FALSE(value.is_null()) << where << ": the sample has no value";
    EXPECT_TRUE(schema.contains("description")) << where << ": no description";
  }
}

TEST(Measurement, TheSchemaDescribesEachMemberAndNoOther) {
  const auto path = test::data_dir() / ".." / ".." / "docs" / "measurement.schema.json";
  const Json schema = Json::parse(test::read_file(path));
  expect_same_members(schema, schema, to_json(test::full_measurement()), "");
}

TEST(Measurement, TheManualNamesEachMember) {
  const auto docs = test::data_dir() / ".." / ".." / "docs";
  const Json schema = Json::parse(test::read_file(docs / "measurement.schema.json"));
  const std::string manual = test::read_file(docs / "MEASUREMENT.md");
  const auto check = [&](const Json& properties) {
    for (const auto& [name, property] : properties.items()) EXPECT_THAT(manual, HasSubstr("`" + name + "`"));
  };
  check(schema["properties"]);
  for (const auto& [name, definition] : schema["$defs"].items())
    if (definition.contains("properties")) check(definition["properties"]);
}

}  // namespace
}  // namespace halcyon::report

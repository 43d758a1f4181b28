#include "bench/writer.h"

#include <gmock/gmock.h>

#include <sstream>

#include "bench/build_info.h"
#include "tests/bench/sample.h"
#include "tests/support/support.h"

namespace halcyon::bench {
namespace {

using test::sample_models;
using test::sample_result;
using testing::AllOf;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::Not;

/// The whole document of some results.
std::string written(std::string_view format, const std::vector<CaseResult>& results) {
  const std::vector<ModelFile> models = sample_models();
  const auto writer = make_writer(format, models, {.cpu = "A \"CPU\", fast", .kernel = "Linux 6.1"});
  std::string text;
  for (const CaseResult& r : results) text += writer->add(r);
  return text + writer->finish();
}

/// One whose machine was unsteady, and that was stopped, with experts.
CaseResult marked_result() {
  CaseResult r = sample_result();
  r.index = 1;
  r.setup.threads = 1;
  r.what = {.kind = Case::Kind::prefill, .n_tokens = 512, .depth = 64, .n_parallel = 2};
  r.attempts = 3;
  r.after->read.per_second *= 2;
  r.work.experts_expected = true;
  r.price.reset();
  r.peak_memory.reset();
  return r;
}

CaseResult stopped_result() {
  CaseResult r = sample_result();
  r.is_complete = false;
  r.after.reset();
  r.seconds = {1.0};
  return r;
}

TEST(Table, HasFiguresUnderTheirNames) {
  EXPECT_EQ(
      written("table", {sample_result()}),
      "a<b> · qwen3 4.0B Q4_K, 2.00 GiB · 2 threads · avx2 · KV f16 · loaded in 500 ms\n"
      "                        tok/s   mean ± deviation      cold    GB/s   of read   GMAC/s  of limit  "
      "CPU-ms/tok     J/tok      peak            logits\n"
      "tg100                     100           101 ± 10      50.0    2.00    20.0 %     8.00    8.00 %  "
      "      20.0    0.0400  3.00 MiB  0123456789abcdef\n"
      "limits: read 10.0 GB/s, int8 100 GMAC/s (vpmaddubsw, 12 sums), float32 50.0 GMAC/s (vfmadd, 12 "
      "sums)\n"
      "\n"
      "J/tok: estimated: \"CPU time\"\n");
}

TEST(Table, ExplainsItsMarks) {
  EXPECT_THAT(
      written("table", {marked_result()}),
      AllOf(HasSubstr("pp512 ×2 @ d64"), HasSubstr("~1,024"), HasSubstr("≈2.00"),
            HasSubstr("\n~  unsteady: the machine's limits before and after differ by more than 10 %, 3 "
                      "times in a row\n"),
            HasSubstr("\n≈  with the experts"), Not(HasSubstr("J/tok:"))));
  EXPECT_THAT(written("table", {stopped_result()}),
              AllOf(HasSubstr("!100 "), HasSubstr("\n!  stopped before"),
                    HasSubstr("J/tok: estimated: \"CPU time\"")));
}

TEST(Markdown, IsATable) {
  std::istringstream text(written("md", {sample_result(), marked_result()}));
  std::string names, rule, first, second;
  std::getline(text, names), std::getline(text, rule), std::getline(text, first), std::getline(text, second);
  const auto bars = [](const std::string& line) { return std::ranges::count(line, '|'); };
  EXPECT_THAT(names,
              HasSubstr("| model | size | params | backend | threads | isa | KV | load | test | tok/s |"));
  EXPECT_EQ(bars(rule), bars(names));
  EXPECT_EQ(bars(first), bars(names));
  EXPECT_EQ(bars(second), bars(names));
  EXPECT_THAT(first,
              testing::StartsWith(
                  "| qwen3 4.0B Q4_K | 2.00 GiB | 4.0B | CPU | 2 | avx2 | f16 | 500 ms | tg100 | 100 | "));
}

/// The fields of the lines of RFC 4180.
std::vector<std::vector<std::string>> parse_csv(const std::string& text) {
  std::vector<std::vector<std::string>> lines{{""}};
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      if (quoted && text[i + 1] == '"')
        lines.back().back() += text[i++];
      else
        quoted = !quoted;
    } else if (text[i] == ',' && !quoted) {
      lines.back().emplace_back();
    } else if (text[i] == '\r' && !quoted) {
      ++i;
      lines.push_back({""});
    } else {
      lines.back().back() += text[i];
    }
  }
  lines.pop_back();
  return lines;
}

TEST(Csv, HasALineOfNamesAndOneOfEachCase) {
  const auto lines = parse_csv(written("csv", {sample_result(), marked_result(), stopped_result()}));
  ASSERT_EQ(lines.size(), 4u);
  for (const auto& line : lines) EXPECT_EQ(line.size(), lines[0].size());
  const auto field = [&](size_t line, std::string_view name) {
    return lines[line].at(static_cast<size_t>(std::ranges::find(lines[0], name) - lines[0].begin()));
  };
  EXPECT_EQ(field(1, "cpu_info"), "A \"CPU\", fast");
  EXPECT_EQ(field(1, "model_filename"), "models/a|b \"c\".gguf");
  EXPECT_EQ(field(1, "n_gen"), "100");
  EXPECT_EQ(field(2, "n_prompt"), "512");
  EXPECT_EQ(field(1, "unsteady"), "false");
  EXPECT_EQ(field(2, "unsteady"), "true");
  EXPECT_EQ(field(3, "unsteady"), "");
  EXPECT_EQ(field(3, "complete"), "false");
  EXPECT_EQ(field(2, "joules_per_token"), "");
  EXPECT_EQ(field(1, "bf16_limit_before"), "");
  EXPECT_EQ(written("csv", {}), "");
}

TEST(Json, HasLlamaBenchsMembersUnderItsNames) {
  const auto json = nlohmann::ordered_json::parse(written("json", {sample_result(), marked_result()}));
  ASSERT_EQ(json.size(), 2u);
  const auto& r = json[0];
  for (const char* const name :
       {"build_commit", "build_number", "cpu_info",       "gpu_info",  "backends",   "model_filename",
        "model_type",   "model_size",   "model_n_params", "n_batch",   "n_ubatch",   "n_threads",
        "type_k",       "type_v",       "n_prompt",       "n_gen",     "n_depth",    "test_time",
        "avg_ns",       "stddev_ns",    "avg_ts",         "stddev_ts", "samples_ns", "samples_ts"})
    EXPECT_TRUE(r.contains(name)) << name;
  EXPECT_EQ(r["build_commit"], build_info().commit);
  EXPECT_EQ(r["avg_ns"], 1'000'000'000);
  EXPECT_EQ(r["stddev_ns"], 100'000'000);
  EXPECT_EQ(r["samples_ns"], nlohmann::json::parse("[1000000000, 1100000000, 900000000]"));
  EXPECT_EQ(r["samples_ts"].size(), 3u);
  EXPECT_EQ(r["test_time"], "2026-05-31T14:22:33Z");
  EXPECT_EQ(r["n_gen"], 100);
  EXPECT_EQ(r["n_prompt"], 0);
  EXPECT_EQ(r["median_ts"], 100);
  EXPECT_EQ(r["logits_hash"], "0123456789abcdef");
  EXPECT_EQ(r["read_limit_after"], 10e9);
  EXPECT_EQ(r["int8_limit_by"], "vpmaddubsw, 12 sums");
  EXPECT_TRUE(r["bf16_limit_before"].is_null());
  EXPECT_TRUE(json[1]["joules_per_token"].is_null());
}

TEST(Json, IsAnArrayHoweverManyThereAre) {
  EXPECT_EQ(written("json", {}), "[]\n");
  EXPECT_EQ(nlohmann::json::parse(written("json", {sample_result()})).size(), 1u);
}

TEST(Json, EveryMemberIsDocumented) {
  const std::string page =
      halcyon::test::read_file(halcyon::test::data_dir() / ".." / ".." / "docs" / "BENCH.md");
  const auto record = to_record(sample_result(), sample_models()[0], {});
  for (const auto& [name, value] : record.items()) {
    if (name.contains("_limit_")) continue;  // described together
    EXPECT_THAT(page, HasSubstr("`" + name + "`"));
  }
}

TEST(BuildInfo, SaysWhatIsKnown) {
  EXPECT_FALSE(build_info().commit.empty());
  EXPECT_THAT(std::string(build_info().compiler), testing::MatchesRegex("[A-Za-z]+ [0-9.]+"));
}

}  // namespace
}  // namespace halcyon::bench

// Random values that fulfil a schema are accepted; what a mutation spoils is not.
#include <random>

#include "tests/grammar/matching.h"

namespace halcyon::grammar {
namespace {

using Json = nlohmann::ordered_json;

class RandomJson : public testing::Test {
 protected:
  size_t below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }
  bool coin() { return below(2) == 0; }

  std::string text() {
    const std::string_view units[] = {"a", "Z", " ", "é", "日", "🦉", "\"", "\\", "\n", "\x01", "/"};
    std::string out;
    for (size_t n = below(6); n > 0; --n) out += units[below(std::size(units))];
    return out;
  }

  Json value(int depth) {
    Json out;
    switch (below(depth > 0 ? 7 : 5)) {
      case 0:
        return nullptr;
      case 1:
        return coin();
      case 2:
        return static_cast<int64_t>(random_()) - (int64_t{1} << 31);
      case 3:
        return std::uniform_real_distribution<>(-1e6, 1e6)(random_);
      case 4:
        return text();
      case 5:
        out = Json::array();
        for (size_t n = below(4); n > 0; --n) out.push_back(value(depth - 1));
        return out;
      default:
        out = Json::object();
        for (size_t n = below(4); n > 0; --n) out[text()] = value(depth - 1);
        return out;
    }
  }

  std::string written(const Json& json) {
    return json.dump(coin() ? -1 : static_cast<int>(below(5)), ' ', coin());
  }

  /// A byte removed, doubled or replaced.
  std::string mutated(std::string text) {
    const size_t at = below(text.size());
    switch (below(3)) {
      case 0:
        return text.erase(at, 1);
      case 1:
        return text.insert(at, 1, text[at]);
      default:
        text[at] = "{}[]\",:x0-\x80"[below(12)];
        return text;
    }
  }

  const unsigned seed_ = std::random_device{}();
  testing::ScopedTrace trace_{__FILE__, __LINE__, "seed " + std::to_string(seed_)};
  std::mt19937 random_{seed_};
};

TEST_F(RandomJson, AnyObject) {
  ASSERT_OK_AND_ASSIGN(const auto grammar, Grammar::json_object());
  for (int i = 0; i < 300; ++i) {
    Json json = value(4);
    if (!json.is_object()) json = Json{{text(), json}};
    const std::string text = written(json);
    ASSERT_TRUE(test::accepts(grammar, text)) << text;
    for (int n = 0; n < 5; ++n) {
      const std::string spoiled = mutated(text);
      if (test::accepts(grammar, spoiled)) {
        ASSERT_TRUE(Json::accept(spoiled)) << spoiled;
      }
    }
  }
}

struct Case {
  const char* schema;
  Json (*make)(std::mt19937&);
  bool (*fulfils)(const Json&);
};

int64_t between(std::mt19937& random, int64_t min, int64_t max) {
  return std::uniform_int_distribution<int64_t>(min, max)(random);
}

const Case cases[] = {
    {R"({"type": "object", "properties": {"id": {"type": "integer", "minimum": -50, "maximum": 1234},
         "tags": {"type": "array", "items": {"enum": ["x", "y"]}, "maxItems": 3}, "ok": {"type": "boolean"}}, "required": ["id"],
         "additionalProperties": false})",
     [](std::mt19937& random) {
       Json out = {{"id", between(random, -50, 1234)}};
       if (random() % 2) {
         out["tags"] = Json::array();
         for (int64_t n = between(random, 0, 3); n > 0; --n) out["tags"].push_back(random() % 2 ? "x" : "y");
       }
       if (random() % 2) out["ok"] = random() % 2 == 0;
       return out;
     },
     [](const Json& json) {
       if (!json.is_object() || !json.contains("id")) return false;
       for (const auto& [name, value] : json.items()) {
         if (name == "id"   ? !value.is_number_integer() || value < -50 || value > 1234
             : name == "ok" ? !value.is_boolean()
                            : name != "tags" || !value.is_array() || value.size() > 3)
           return false;
         if (name == "tags")
           for (const Json& tag : value)
             if (tag != "x" && tag != "y") return false;
       }
       return true;
     }},
    {R"({"type": "array", "prefixItems": [{"type": "string", "pattern": "^[a-f]{2,4}$"}], "items": {"type": "number", "exclusiveMinimum": 0},
         "minItems": 1})",
     [](std::mt19937& random) {
       std::string word;
       for (int64_t n = between(random, 2, 4); n > 0; --n)
         word += static_cast<char>('a' + between(random, 0, 5));
       Json out = Json::array({word});
       for (int64_t n = between(random, 0, 3); n > 0; --n)
         out.push_back(random() % 2 ? Json(between(random, 1, 1'000'000))
                                    : Json(static_cast<double>(between(random, 1, 1'000)) / 8));
       return out;
     },
     [](const Json& json) {
       if (!json.is_array() || json.empty() || !json[0].is_string()) return false;
       const auto word = json[0].get<std::string>();
       if (word.size() < 2 || word.size() > 4 || word.find_first_not_of("abcdef") != word.npos) return false;
       for (size_t i = 1; i < json.size(); ++i)
         if (!json[i].is_number() || json[i] <= 0) return false;
       return true;
     }},
};

TEST_F(RandomJson, WhatSchemasDescribe) {
  for (const Case& one : cases) {
    SCOPED_TRACE(one.schema);
    ASSERT_OK_AND_ASSIGN(const auto grammar, test::from_schema(one.schema));
    int n_spoiled = 0;
    for (int i = 0; i < 500; ++i) {
      const Json json = one.make(random_);
      ASSERT_TRUE(one.fulfils(json)) << json;
      const std::string text = written(json);
      ASSERT_TRUE(test::accepts(grammar, text)) << text;
      const std::string other = mutated(text);
      const Json read = Json::parse(other, nullptr, /*allow_exceptions=*/false);
      if (!read.is_discarded() && one.fulfils(read)) continue;
      ++n_spoiled;
      ASSERT_FALSE(test::accepts(grammar, other)) << other;
    }
    EXPECT_GT(n_spoiled, 100);
  }
}

}  // namespace
}  // namespace halcyon::grammar

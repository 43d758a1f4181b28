// Whole chat templates, compared byte for byte with what Jinja2 renders or refuses under transformers'
// settings.
#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "template/template.h"
#include "tests/support/support.h"
#include "tests/template/render.h"

namespace halcyon::jinja {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

void check_file(const std::filesystem::path& path) {
  SCOPED_TRACE(path.filename());
  const auto file = nlohmann::ordered_json::parse(test::read_file(path));
  ASSERT_OK_AND_ASSIGN(const Template parsed, Template::parse(file["template"].get<std::string>()));
  for (const auto& test_case : file["cases"]) {
    SCOPED_TRACE(test_case["case"]);
    auto text = parsed.render(test_case["context"], {.now = test::fixed_time()});
    if (test_case.contains("error")) {
      EXPECT_ERROR(text, HasSubstr("raised by the template: " + test_case["error"].get<std::string>()));
    } else if (test_case.contains("refused")) {  // by a type error, whose words are our own
      EXPECT_ERROR(text, StartsWith("line "));
    } else {
      ASSERT_OK(text);
      EXPECT_EQ(*text, test_case["expected"].get<std::string>());
    }
  }
}

void check_folder(const std::filesystem::path& folder) {
  size_t n = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    check_file(entry.path());
    ++n;
  }
  EXPECT_GT(n, 0u) << folder;
}

TEST(ChatTemplates, TheOnesKeptWithTheTestsRenderExactly) {
  check_folder(test::data_dir() / "template" / "chat_templates");
}

TEST(ChatTemplates, AllConformanceCasesRenderExactly) {
  SKIP_WITHOUT_CONFORMANCE();
  check_folder(test::conformance_dir() / "chat_templates");
}

}  // namespace
}  // namespace halcyon::jinja

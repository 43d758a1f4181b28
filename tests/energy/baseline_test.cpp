// The stored power of the idle machine.
#include "energy/baseline.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "tests/energy/fake_machine.h"
#include "tests/energy/fake_sensor.h"

namespace halcyon::energy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;

class BaselineTest : public testing::Test {
 protected:
  BaselineTest() {
    ::setenv("XDG_DATA_HOME", folder_.path().c_str(), 1);
    machine_.add_rapl("intel-rapl:0", "package-0");
  }
  Meter meter() const {
    Hints hints;
    return Meter(machine_.open(hints));
  }
  std::filesystem::path file() const { return folder_.path() / "halcyon" / "baseline.json"; }

  /// The stored document with another member.
  void change(const std::string& name, const nlohmann::json& value) const {
    nlohmann::json document = nlohmann::json::parse(test::read_file(file()));
    document[name] = value;
    test::write_file(file(), document.dump());
  }

  test::TemporaryDir folder_;
  FakeMachine machine_;
  Hints hints_;
};

TEST_F(BaselineTest, IsNothingAtFirst) {
  EXPECT_EQ(load_baseline(meter(), hints_), std::nullopt);
  EXPECT_THAT(hints_, IsEmpty());
}

TEST_F(BaselineTest, IsKept) {
  ASSERT_OK_AND_ASSIGN(const std::filesystem::path path, save_baseline(meter(), 8.25, 60));
  EXPECT_EQ(path, file());
  EXPECT_THAT(load_baseline(meter(), hints_), Optional(8.25));
  EXPECT_THAT(hints_, IsEmpty());
  ASSERT_OK_AND_ASSIGN(const std::optional<Baseline> stored, read_baseline());
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->source, "RAPL package-0 (intel-rapl:0)");
  EXPECT_EQ(stored->seconds, 60);
  EXPECT_THAT(stored->measured_at, testing::ContainsRegex("^20[0-9-]*T[0-9:]*Z$"));
  ASSERT_OK(save_baseline(meter(), 9, 30));
  EXPECT_THAT(load_baseline(meter(), hints_), Optional(9.0));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(file().parent_path()), {}), 1)
      << "nothing is left over";
}

TEST_F(BaselineTest, OfAnotherMachineIsNotUsed) {
  ASSERT_OK(save_baseline(meter(), 8, 60));
  change("host", "elsewhere");
  EXPECT_EQ(load_baseline(meter(), hints_), std::nullopt);
  EXPECT_THAT(hints_, ElementsAre(HasSubstr("measured on \"elsewhere\"")));
}

TEST_F(BaselineTest, OfOtherSensorsIsNotUsed) {
  ASSERT_OK(save_baseline(meter(), 8, 60));
  machine_.add_rapl("intel-rapl:0:0", "dram");
  EXPECT_EQ(load_baseline(meter(), hints_), std::nullopt);
  EXPECT_THAT(hints_,
              ElementsAre(HasSubstr("with \"RAPL package-0 (intel-rapl:0)\" and not with RAPL package-0")));
}

TEST_F(BaselineTest, ConcernsNoEstimate) {
  ASSERT_OK(save_baseline(meter(), 8, 60));
  machine_.remove("/sys");
  EXPECT_EQ(load_baseline(meter(), hints_), std::nullopt);
  EXPECT_THAT(hints_, IsEmpty());
}

TEST_F(BaselineTest, ADamagedFileIsAHint) {
  ASSERT_OK(save_baseline(meter(), 8, 60));
  for (const nlohmann::json& wrong : {nlohmann::json("8"), nlohmann::json(-1), nlohmann::json(nullptr)}) {
    change("watts", wrong);
    EXPECT_ERROR(read_baseline(), HasSubstr("baseline.json: watts should be a number"));
  }
  for (const char* text : {"", "{", "[]", "1e999", "{\"host\": 3}"}) {
    test::write_file(file(), text);
    EXPECT_ERROR(read_baseline(), HasSubstr("baseline.json: host should be a text"));
  }
  EXPECT_EQ(load_baseline(meter(), hints_), std::nullopt);
  EXPECT_THAT(hints_, ElementsAre(HasSubstr("measure anew")));
}

TEST_F(BaselineTest, AFolderThatCannotBeMadeIsAnError) {
  test::write_file(folder_.path() / "halcyon", "a file");
  EXPECT_ERROR(save_baseline(meter(), 8, 60), HasSubstr((folder_.path() / "halcyon").string()));
}

}  // namespace
}  // namespace halcyon::energy

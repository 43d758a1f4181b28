#include "guard/config.h"

#include <gmock/gmock.h>

#include "tests/support/support.h"

namespace halcyon::guard {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using namespace std::chrono_literals;

const Settings kCommand = {{"command", {"llama-server", "--port", "{port}"}}};

/// kCommand and something more.
Settings with(const std::string& name, std::vector<std::string> values) {
  Settings settings = kCommand;
  settings[name] = std::move(values);
  return settings;
}

Result<ServerOptions> options(const Settings& own, const Settings& all = {}) {
  return server_options("server", own, all);
}

TEST(ServerOptions, HaveStandards) {
  ASSERT_OK_AND_ASSIGN(const ServerOptions server, options(kCommand));
  EXPECT_EQ(server.name, "server");
  EXPECT_THAT(server.command, ElementsAre("llama-server", "--port", "{port}"));
  EXPECT_THAT(server.models, IsEmpty());
  EXPECT_EQ(server.exclusive, "");
  EXPECT_EQ(server.memory, std::nullopt);
  EXPECT_EQ(server.port, 0);
  EXPECT_EQ(server.health, "/health");
  EXPECT_EQ(server.policy.freeze_after, 5s);
  EXPECT_EQ(server.policy.stop_after, 15min);
  EXPECT_EQ(server.policy.verify_after, 30s);
  EXPECT_EQ(server.policy.max_queue, 256u);
  EXPECT_EQ(server.spin_after, 30s);
  EXPECT_EQ(server.start_timeout, 10min);
  EXPECT_TRUE(server.use_cgroup);
  EXPECT_THAT(server.asleep, ElementsAre("/health", "/v1/models", "/metrics"));
}

TEST(ServerOptions, EachSettingCanBeGiven) {
  const Settings settings = {{"command", {"serve", "-p", "81"}},
                             {"upstream_port", {"81"}},
                             {"freeze_after", {"500ms"}},
                             {"stop_after", {"never"}},
                             {"verify", {"1m"}},
                             {"spin_after", {"45s"}},
                             {"start_timeout", {"2h"}},
                             {"health", {"/ping?x=y"}},
                             {"max_queue", {"3"}},
                             {"max_crashes", {"7"}},
                             {"wake_on", {"/metrics", "/v1/models"}},
                             {"freezer", {"signal"}},
                             {"models", {"a", "b"}},
                             {"exclusive", {"gpu"}},
                             {"memory", {"20G"}}};
  EXPECT_EQ(settings.size(), server_settings().size());
  ASSERT_OK_AND_ASSIGN(const ServerOptions server, options(settings));
  EXPECT_THAT(server.command, ElementsAre("serve", "-p", "81"));
  EXPECT_EQ(server.port, 81);
  EXPECT_EQ(server.policy.freeze_after, 500ms);
  EXPECT_EQ(server.policy.stop_after, kNever);
  EXPECT_EQ(server.policy.verify_after, 1min);
  EXPECT_EQ(server.spin_after, 45s);
  EXPECT_EQ(server.start_timeout, 2h);
  EXPECT_EQ(server.health, "/ping?x=y");
  EXPECT_EQ(server.policy.max_queue, 3u);
  EXPECT_EQ(server.policy.max_crashes, 7u);
  EXPECT_THAT(server.asleep, ElementsAre("/health"));
  EXPECT_FALSE(server.use_cgroup);
  EXPECT_THAT(server.models, ElementsAre("a", "b"));
  EXPECT_EQ(server.exclusive, "gpu");
  EXPECT_EQ(server.memory, uint64_t{20} << 30);
}

TEST(ServerOptions, WhatIsSaidOfAServerGoesBeforeWhatIsSaidOfAll) {
  const Settings all = {{"freeze_after", {"1s"}}, {"stop_after", {"1h"}}};
  ASSERT_OK_AND_ASSIGN(const ServerOptions server, options(with("freeze_after", {"2s"}), all));
  EXPECT_EQ(server.policy.freeze_after, 2s);
  EXPECT_EQ(server.policy.stop_after, 1h);
  EXPECT_EQ(server.policy.verify_after, 30s);
}

TEST(ServerOptions, OfSeveralValuesTheLastCounts) {
  ASSERT_OK_AND_ASSIGN(const ServerOptions server, options(with("freeze_after", {"1s", "2s"})));
  EXPECT_EQ(server.policy.freeze_after, 2s);
}

TEST(ServerOptions, RoutesThatWakeAddUp) {
  ASSERT_OK_AND_ASSIGN(const ServerOptions server,
                       options(with("wake_on", {"/health"}), {{"wake_on", {"/metrics"}}}));
  EXPECT_THAT(server.asleep, ElementsAre("/v1/models"));
}

TEST(ServerOptions, SayWhatIsWrongWithAValue) {
  const std::vector<std::array<std::string, 3>> wrong = {
      {"freeze_after", "soon", "freeze_after: \"soon\" is no time such as 500ms, 5s, 15m, or never"},
      {"stop_after", "-1s", "stop_after: \"-1s\" is no time"},
      {"verify", "", "verify: \"\" is no time"},
      {"spin_after", "5 parsecs", "spin_after: \"5 parsecs\" is no time"},
      {"start_timeout", "x", "start_timeout: \"x\" is no time"},
      {"start_timeout", "never", "start_timeout: a server that never gets ready is given up some time"},
      {"max_queue", "many", "max_queue: \"many\" is no number from 1 to 1000000"},
      {"max_queue", "1000001", "max_queue: \"1000001\" is no number"},
      {"max_queue", "-1", "max_queue: \"-1\" is no number"},
      {"upstream_port", "0", "upstream_port: \"0\" is no number from 1 to 65535"},
      {"upstream_port", "65536", "upstream_port: \"65536\" is no number"},
      {"upstream_port", "80x", "upstream_port: \"80x\" is no number"},
      {"health", "health", "health: \"health\" is no path such as /health"},
      {"health", "/a b", "health: \"/a b\" is no path"},
      {"health", "/a\r\nX: y", "is no path"},
      {"freezer", "ice", "freezer: \"ice\" is not cgroup or signal"},
      {"memory", "much", "memory: \"much\" is no size such as 20G"},
  };
  for (const auto& [name, value, message] : wrong)
    EXPECT_ERROR(options(with(name, {value})), HasSubstr(message));
}

TEST(ServerOptions, ThePortHasAPlaceInTheCommandOrIsGiven) {
  EXPECT_ERROR(options({{"command", {"llama-server", "-m", "x.gguf"}}}),
               HasSubstr("does not say which port to listen on: write {port} where it goes"));
  EXPECT_ERROR(
      options({{"command", {"llama-server", "--port", "8081"}}}),
      HasSubstr("the command fixes port 8081: write {port} instead of it, or add --upstream-port 8081"));
  EXPECT_TRUE(options({{"command", {"llama-server", "--port", "8081"}}, {"upstream_port", {"8081"}}}));
  EXPECT_TRUE(options({{"command", {"serve", "--listen=127.0.0.1:{port}"}}}));
}

TEST(ServerOptions, ThereIsACommand) {
  EXPECT_ERROR(options({}), HasSubstr("server: it has no command"));
  EXPECT_ERROR(options({{"command", {""}}}), HasSubstr("it has no command"));
  // That of another server is not its own.
  EXPECT_ERROR(options({}, kCommand), HasSubstr("it has no command"));
}

TEST(ServerOptions, NamesArePlain) {
  for (const char* name : {"a", "Qwen3-0.6B_q4"}) EXPECT_TRUE(server_options(name, kCommand, {})) << name;
  for (const std::string name : {"", "a b", "a/b", "ä", "a\n"})
    EXPECT_ERROR(server_options(name, kCommand, {}), HasSubstr("a server's name has letters, digits"));
  EXPECT_FALSE(server_options(std::string(65, 'a'), kCommand, {}));
}

class GuardFileTest : public testing::Test {
 protected:
  Result<ConfigFile> read(std::string_view text) {
    test::write_file(path, text);
    return read_guard_file(path);
  }

  const test::TemporaryDir folder;
  const std::string path = folder.path() / "guard.toml";
};

TEST_F(GuardFileTest, HasServersInTheirOrderAndWhatIsSaidOfAll) {
  ASSERT_OK_AND_ASSIGN(const ConfigFile file, read(R"(
[guard]
listen = "127.0.0.1:8080"
watts_per_core = 3.5
freeze_after = "10s"

[server.large]
command = ["llama-server", "-m", "large.gguf", "--port", "{port}"]
models = ["large", "largest"]
exclusive = "gpu"
memory = "60G"

[server.a-small-one]
command = ["llama-server", "--port", "81"]
upstream_port = 81
max_queue = 2
)"));
  EXPECT_EQ(
      file.all,
      (Settings{{"listen", {"127.0.0.1:8080"}}, {"watts_per_core", {"3.5"}}, {"freeze_after", {"10s"}}}));
  ASSERT_EQ(file.servers.size(), 2u);
  EXPECT_EQ(file.servers[0].first, "large");
  EXPECT_EQ(file.servers[0].second.at("command").size(), 5u);
  EXPECT_THAT(file.servers[0].second.at("models"), ElementsAre("large", "largest"));
  EXPECT_EQ(file.servers[1].first, "a-small-one");
  EXPECT_THAT(file.servers[1].second.at("upstream_port"), ElementsAre("81"));
  EXPECT_THAT(file.servers[1].second.at("max_queue"), ElementsAre("2"));
  for (const auto& [name, settings] : file.servers) EXPECT_TRUE(server_options(name, settings, file.all));
}

TEST_F(GuardFileTest, EverySettingIsKnownThere) {
  std::string text = "[server.a]\n";
  for (const SettingInfo& setting : server_settings())
    text += fmt::format("{} = {}\n", setting.name, setting.is_list ? "[\"x\", \"y\"]" : "\"x\"");
  ASSERT_OK_AND_ASSIGN(const ConfigFile file, read(text));
  EXPECT_EQ(file.servers[0].second.size(), server_settings().size());
}

TEST_F(GuardFileTest, ErrorsNameFileAndLine) {
  const auto fails = [&](std::string_view text, int line, std::string_view message) {
    EXPECT_ERROR(read(text),
                 AllOf(StartsWith(fmt::format("{}:{}: ", path, line)), HasSubstr(std::string(message))));
  };
  fails("[server.a]\ncommand = [\"a\"\n\nx", 4, "");
  fails("[server.a]\n\nfreeze = \"5s\"\n", 3, "unknown setting \"freeze\"; docs/GUARD.md lists them");
  fails("[server.a]\nlisten = \"8080\"\n", 2, "unknown setting \"listen\"");  // which is the guard's
  fails("[guard]\nlisten = [\"8080\"]\n", 2, "listen: expected a string or a number");
  fails("[server.a]\nmax_queue = [1]\n", 2, "max_queue: expected a string or a number");
  fails("[server.a]\nmax_queue = true\n", 2, "max_queue: expected a string or a number");
  fails("[server.a]\ncommand = [\"a\", 1]\n", 2, "command: expected an array of strings");
  fails("[server.a]\n[servers.b]\n", 2, "unknown table \"servers\": there are [guard] and [server.NAME]");
  fails("listen = \"8080\"\n[server.a]\n", 1, "unknown table \"listen\"");
  fails("[server]\na = 1\n", 2, "a server is a table: [server.NAME]");
}

TEST_F(GuardFileTest, HasAServer) {
  EXPECT_ERROR(read("[guard]\nfreeze_after = \"1s\"\n"), EndsWith("guard.toml: it has no [server.NAME]"));
  EXPECT_ERROR(read(""), EndsWith("it has no [server.NAME]"));
}

TEST_F(GuardFileTest, IsThereAndNotEndless) {
  EXPECT_ERROR(read_guard_file(path + "x"), HasSubstr("guard.tomlx"));
  EXPECT_ERROR(read("#" + std::string(64 << 10, 'x')), HasSubstr("a configuration file has at most 65536"));
}

TEST(ParseAddress, HasAHostAndAPort) {
  using Address = std::pair<std::string, uint16_t>;
  const auto parse = [](const char* text) { return parse_address(text).value_or(Address("invalid", 0)); };
  EXPECT_EQ(parse("127.0.0.1:8080"), Address("127.0.0.1", 8080));
  EXPECT_EQ(parse("[::1]:8080"), Address("::1", 8080));
  EXPECT_EQ(parse("localhost:0"), Address("localhost", 0));
  EXPECT_EQ(parse("0.0.0.0:65535"), Address("0.0.0.0", 65535));
}

TEST(ParseAddress, WithoutAHostItIsThisMachine) {
  for (const char* text : {"8080", ":8080"})
    EXPECT_EQ(parse_address(text).value(), (std::pair<std::string, uint16_t>("127.0.0.1", 8080))) << text;
}

TEST(ParseAddress, SaysWhatIsNone) {
  for (const char* text :
       {"", ":", "localhost", "localhost:", "127.0.0.1:65536", "127.0.0.1:-1", "[::1]", "80a"})
    EXPECT_ERROR(parse_address(text), HasSubstr("is no address such as 127.0.0.1:8080"));
}

}  // namespace
}  // namespace halcyon::guard

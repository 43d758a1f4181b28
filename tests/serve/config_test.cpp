#include "serve/config.h"

#include <gmock/gmock.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "serve/settings.h"
#include "tests/support/support.h"

namespace halcyon::serve {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// A user: an environment, a home, and what is in its configuration file.
class Config : public testing::Test {
 protected:
  Config() { environment_["HOME"] = home_.path(); }

  void write_file(std::string_view toml) {
    std::filesystem::create_directories(path().parent_path());
    test::write_file(path(), toml);
  }
  std::filesystem::path path() const { return home_.path() / ".config" / "halcyon" / "config.toml"; }

  /// `halcyon serve` with these arguments.
  Result<ResolvedConfig> serve(std::vector<std::string> arguments = {}, bool activated = false) {
    CLI::App app;
    ServeCommandLine line;
    add_serve_options(app, line);
    std::ranges::reverse(arguments);
    try {
      app.parse(arguments);
    } catch (const CLI::ParseError& error) {
      return fail("{}", error.what());
    }
    const auto environment = [this](const std::string& name) -> std::optional<std::string> {
      const auto variable = environment_.find(name);
      return variable != environment_.end() ? std::optional(variable->second) : std::nullopt;
    };
    return resolve(line, environment, activated);
  }

  /// The file alone.
  Result<ResolvedConfig> serve_file(std::string_view toml) {
    write_file(toml);
    return serve();
  }

  const test::TemporaryDir home_;
  std::map<std::string, std::string> environment_;
};

TEST_F(Config, HasDefaults) {
  ASSERT_OK_AND_ASSIGN(const ResolvedConfig resolved, serve());
  const ServeConfig& config = resolved.config;
  EXPECT_THAT(config.models, IsEmpty());
  EXPECT_EQ(config.host, "127.0.0.1");
  EXPECT_EQ(config.port, 8080);
  EXPECT_EQ(config.unload_after, std::nullopt);
  EXPECT_EQ(config.max_body, 32u << 20);
  EXPECT_FALSE(config.metrics);
}

TEST_F(Config, ComesFromTheCommandLine) {
  ASSERT_OK_AND_ASSIGN(const ResolvedConfig resolved, serve({"-m",
                                                             "a.gguf",
                                                             "-m",
                                                             "b.gguf",
                                                             "--alias",
                                                             "a",
                                                             "--host",
                                                             "::1",
                                                             "--port",
                                                             "0",
                                                             "--ctx",
                                                             "8192",
                                                             "--parallel",
                                                             "2",
                                                             "--api-key-file",
                                                             "keys",
                                                             "--tls-cert",
                                                             "c.pem",
                                                             "--tls-key",
                                                             "k.pem",
                                                             "--unload-after",
                                                             "1h30m",
                                                             "--keep-alive",
                                                             "never",
                                                             "--max-queue",
                                                             "5",
                                                             "--max-body",
                                                             "1M",
                                                             "--metrics",
                                                             "--kv",
                                                             "q8_0",
                                                             "--threads",
                                                             "3",
                                                             "--grace",
                                                             "7",
                                                             "--cors",
                                                             "https://a:1",
                                                             "--cors",
                                                             "https://b",
                                                             "--insecure",
                                                             "--log-json"}));
  const ServeConfig& config = resolved.config;
  EXPECT_THAT(config.models, ElementsAre("a.gguf", "b.gguf"));
  EXPECT_THAT(config.aliases, ElementsAre("a"));
  EXPECT_EQ(config.host, "::1");
  EXPECT_EQ(config.port, 0);
  EXPECT_EQ(config.ctx, 8192);
  EXPECT_EQ(config.parallel, 2);
  EXPECT_EQ(config.api_key_file, "keys");
  EXPECT_EQ(config.tls_cert, "c.pem");
  EXPECT_EQ(config.tls_key, "k.pem");
  EXPECT_EQ(config.unload_after, minutes(90));
  EXPECT_EQ(config.keep_alive, std::nullopt);
  EXPECT_EQ(config.max_queue, 5);
  EXPECT_EQ(config.max_body, 1u << 20);
  EXPECT_EQ(config.kv, backend::KvType::q8_0);
  EXPECT_EQ(config.threads, 3);
  EXPECT_EQ(config.grace, seconds(7));
  EXPECT_THAT(config.cors, ElementsAre("https://a:1", "https://b"));
  EXPECT_TRUE(config.metrics && config.insecure && config.log_json);
}

TEST_F(Config, ComesFromTheFile) {
  ASSERT_OK_AND_ASSIGN(const ResolvedConfig resolved, serve_file(R"(
[serve]
model = ["a.gguf", "b.gguf"]
alias = "a"
port = 9000
unload_after = "10m"
grace = 5
max_body = 4096
kv = "f32"
metrics = true
)"));
  const ServeConfig& config = resolved.config;
  EXPECT_THAT(config.models, ElementsAre("a.gguf", "b.gguf"));
  EXPECT_THAT(config.aliases, ElementsAre("a"));
  EXPECT_EQ(config.port, 9000);
  EXPECT_EQ(config.unload_after, minutes(10));
  EXPECT_EQ(config.grace, seconds(5));
  EXPECT_EQ(config.max_body, 4096u);
  EXPECT_EQ(config.kv, backend::KvType::f32);
  EXPECT_TRUE(config.metrics);
}

TEST_F(Config, ComesFromVariables) {
  environment_["HALCYON_MODEL"] = "a.gguf:b.gguf";
  environment_["HALCYON_ALIAS"] = "qwen3:8b,llama";
  environment_["HALCYON_CORS"] = "https://a:1,https://b";
  environment_["HALCYON_PORT"] = "9000";
  environment_["HALCYON_LOG_JSON"] = "1";
  environment_["HALCYON_CTX"] = "";  // as if it were not set
  ASSERT_OK_AND_ASSIGN(const ResolvedConfig resolved, serve());
  EXPECT_THAT(resolved.config.models, ElementsAre("a.gguf", "b.gguf"));
  EXPECT_THAT(resolved.config.aliases, ElementsAre("qwen3:8b", "llama"));
  EXPECT_THAT(resolved.config.cors, ElementsAre("https://a:1", "https://b"));
  EXPECT_EQ(resolved.config.port, 9000);
  EXPECT_TRUE(resolved.config.log_json);
}

TEST_F(Config, CommandLineOverridesVariablesOverrideTheFile) {
  write_file("[serve]\nport = 1\nctx = 1\nthreads = 1\nmodel = ['a', 'b']\nmetrics = true\n");
  environment_["HALCYON_PORT"] = "2";
  environment_["HALCYON_CTX"] = "2";
  environment_["HALCYON_MODEL"] = "c";
  ASSERT_OK_AND_ASSIGN(const ResolvedConfig resolved, serve({"--port", "3", "--metrics=false"}));
  EXPECT_EQ(resolved.config.port, 3);
  EXPECT_EQ(resolved.config.ctx, 2);
  EXPECT_EQ(resolved.config.threads, 1);
  EXPECT_THAT(resolved.config.models, ElementsAre("c"));
  EXPECT_FALSE(resolved.config.metrics);
}

TEST_F(Config, FileIsWhereTheCommandLineOrXdgSays) {
  write_file("[serve]\nport = 1\n");
  environment_["XDG_CONFIG_HOME"] = home_.path() / "xdg";
  ASSERT_OK_AND_ASSIGN(ResolvedConfig resolved, serve());
  EXPECT_EQ(resolved.config.port, 8080) << "there is no file, which is no error";
  environment_["XDG_CONFIG_HOME"] = "relative";
  ASSERT_OK_AND_ASSIGN(resolved, serve());
  EXPECT_EQ(resolved.config.port, 1);
  const std::string other = home_.path() / "other.toml";
  EXPECT_ERROR(serve({"--config", other}), HasSubstr(other + ": No such file"));
  test::write_file(other, "[serve]\nport = 2\n");
  ASSERT_OK_AND_ASSIGN(resolved, serve({"--config", other}));
  EXPECT_EQ(resolved.config.port, 2);
  environment_.clear();
  ASSERT_OK_AND_ASSIGN(resolved, serve());
  EXPECT_EQ(resolved.config.port, 8080) << "without a home there is no file";
}

TEST_F(Config, PrintsEverySettingAndWhereItComesFrom) {
  write_file("[serve]\n\nthreads = 2\n");
  environment_["HALCYON_MAX_QUEUE"] = "7";
  ASSERT_OK_AND_ASSIGN(const ResolvedConfig resolved,
                       serve({"-m", "a \"b\"\n.gguf", "--unload-after", "5400"}));
  EXPECT_THAT(
      resolved.toml,
      AllOf(HasSubstr("[serve]\nmodel = [\"a \\\"b\\\"\\u000a.gguf\"]  # command line\n"),
            HasSubstr("\nunload_after = \"1h30m\"  # command line\n"),
            HasSubstr("\nport = 8080  # default\n"), HasSubstr("\nmax_queue = 7  # HALCYON_MAX_QUEUE\n"),
            HasSubstr("\nthreads = 2  # " + path().string() + ":3\n"),
            HasSubstr("\nmax_body = \"32M\"  # default\n"), HasSubstr("\nmetrics = false  # default\n")));
  for (const Setting& setting : settings()) {
    EXPECT_THAT(resolved.toml, HasSubstr(fmt::format("\n{} = ", setting.name)));
  }
}

TEST_F(Config, PrintsWhatItReads) {
  const auto values = [](std::string toml) {  // without the comments
    std::string all;
    for (size_t end; (end = toml.find('\n')) != std::string::npos; toml.erase(0, end + 1))
      all += toml.substr(0, std::min(end, toml.find("  # "))) + "\n";
    return all;
  };
  ASSERT_OK_AND_ASSIGN(const ResolvedConfig first,
                       serve({"-m", "ü\\\".gguf", "--keep-alive", "never", "--grace", "0", "--cors", "*",
                              "--max-body", "1025", "--unload-after", "2d3s"}));
  ASSERT_OK_AND_ASSIGN(const ResolvedConfig second, serve_file(first.toml));
  EXPECT_EQ(values(second.toml), values(first.toml));
  EXPECT_EQ(second.config.unload_after, hours(48) + seconds(3));
}

TEST_F(Config, ErrorsOfTheFileHaveFileAndLine) {
  const std::string at = path().string();
  EXPECT_ERROR(serve_file("[serve]\nport = \n"), HasSubstr(at + ":2: "));
  EXPECT_ERROR(serve_file("[serve]\nport = 1\nport = 2\n"), HasSubstr(at + ":3: "));
  EXPECT_ERROR(serve_file("[serve]\n\nmax-queue = 1\n"), HasSubstr(at + ":3: unknown setting \"max-queue\""));
  EXPECT_ERROR(serve_file("port = 1\n"), HasSubstr(at + ":1: unknown setting \"port\""));
  EXPECT_ERROR(serve_file("[server]\n"), HasSubstr(at + ":1: unknown setting \"server\""));
  EXPECT_ERROR(serve_file("[serve]\nport = '1'\n"), HasSubstr(at + ":2: port: expected an integer"));
  EXPECT_ERROR(serve_file("[serve]\nport = 65536\n"),
               HasSubstr(at + ":2: port: expected an integer from 0 to"));
  EXPECT_ERROR(serve_file("[serve]\nmetrics = 'yes'\n"),
               HasSubstr(at + ":2: metrics: expected true or false"));
  EXPECT_ERROR(serve_file("[serve]\nmodel = [1]\n"),
               HasSubstr(at + ":2: model: expected an array of strings"));
  EXPECT_ERROR(serve_file("[serve]\nmodel = ['']\n"), HasSubstr(at + ":2: model: expected a text"));
  EXPECT_ERROR(serve_file("[serve]\nmodel.a = 1\n"), HasSubstr(at + ":2: model: expected"));
  EXPECT_ERROR(serve_file("[serve]\nhost = 1\n"), HasSubstr(at + ":2: host: expected a string"));
  EXPECT_ERROR(serve_file("[serve]\nhost = ''\n"), HasSubstr(at + ":2: host: expected an address"));
  EXPECT_ERROR(serve_file("[serve]\nkv = 'f64'\n"),
               HasSubstr(at + ":2: kv: expected f16, f32 or q8_0, got \"f64\""));
  EXPECT_ERROR(serve_file("[serve]\ngrace = '1x'\n"), HasSubstr(at + ":2: grace: expected a time"));
  EXPECT_ERROR(serve_file("[serve]\ngrace = 1.5\n"), HasSubstr(at + ":2: grace: expected"));
  EXPECT_ERROR(serve_file("[serve]\nmax_body = '1T'\n"), HasSubstr(at + ":2: max_body: expected a size"));
}

TEST_F(Config, NoFileIsTooDeepOrTooLarge) {
  const auto nested = [](size_t n) {
    std::string key = "[serve]\na";
    while (n-- > 0) key += ".a";
    return key + " = 1\n";
  };
  EXPECT_ERROR(serve_file(nested(8'000)), HasSubstr("unknown setting \"a\""));
  EXPECT_ERROR(serve_file(nested(100'000)), HasSubstr("a configuration file has at most 16384"));
  EXPECT_ERROR(serve_file("[serve]\nmodel = " + std::string(8'000, '[')), HasSubstr(":2: "));
}

TEST_F(Config, ErrorsOfVariablesNameThem) {
  environment_["HALCYON_PORT"] = "http";
  EXPECT_ERROR(serve(), HasSubstr("HALCYON_PORT: port: expected an integer from 0 to 65535, got \"http\""));
  environment_ = {{"HALCYON_METRICS", "yes"}};
  EXPECT_ERROR(serve(), HasSubstr("HALCYON_METRICS: metrics: expected true or false"));
}

TEST_F(Config, ErrorsOfTheCommandLineNameTheOption) {
  EXPECT_ERROR(serve({"--port", "70000"}), HasSubstr("--port: expected an integer from 0 to 65535"));
  EXPECT_ERROR(serve({"--parallel", "0"}), HasSubstr("--parallel: expected an integer from 1"));
  EXPECT_ERROR(serve({"--unload-after", "soon"}), HasSubstr("--unload-after: expected a time"));
  EXPECT_ERROR(serve({"--port", "1", "--port", "2"}), HasSubstr("--port"));
  EXPECT_ERROR(serve({"-m", "a.gguf", "b.gguf"}), HasSubstr("b.gguf"));
  EXPECT_ERROR(serve({"--max-bodies", "1"}), HasSubstr("--max-bodies"));
}

TEST_F(Config, TimesAndSizesHaveUnits) {
  const auto time = [&](const char* text) -> std::optional<std::chrono::milliseconds> {
    const auto resolved = serve({"--grace", text});
    EXPECT_TRUE(resolved) << text;
    return resolved ? resolved->config.grace : seconds(-99);
  };
  EXPECT_EQ(time("30m"), minutes(30));
  EXPECT_EQ(time("10s"), seconds(10));
  EXPECT_EQ(time("1h30m"), minutes(90));
  EXPECT_EQ(time("1.5h"), minutes(90));
  EXPECT_EQ(time("90"), seconds(90));
  EXPECT_EQ(time("0"), seconds(0));
  EXPECT_EQ(time("1d"), hours(24));
  EXPECT_EQ(time("-1"), std::nullopt);
  EXPECT_EQ(time("never"), std::nullopt);
  for (const char* text : {"", "m", "-2", "-1s", "1h ", "367d", "9999999999999999999s", "999999999999d"})
    EXPECT_ERROR(serve({"--grace", text}), HasSubstr("expected a time"));

  const auto size = [&](const char* text) {
    const auto resolved = serve({"--max-body", text});
    EXPECT_TRUE(resolved) << text;
    return resolved ? resolved->config.max_body : 0;
  };
  EXPECT_EQ(size("5000"), 5000u);
  EXPECT_EQ(size("32K"), 32u << 10);
  EXPECT_EQ(size("32M"), 32u << 20);
  EXPECT_EQ(size("1G"), 1u << 30);
  for (const char* text : {"", "M", "-1", "32MB", "2G", "1", "99999999999999G"})
    EXPECT_ERROR(serve({"--max-body", text}), HasSubstr("expected a size from 1K to 1G"));
}

TEST_F(Config, HalfATlsPairIsAnError) {
  EXPECT_ERROR(serve({"--tls-cert", "c.pem"}), HasSubstr("command line: tls_cert without tls_key"));
  EXPECT_ERROR(serve_file("[serve]\ntls_key = 'k.pem'\n"),
               HasSubstr(path().string() + ":2: tls_key without tls_cert"));
}

TEST_F(Config, MoreNamesThanModelsAreAnError) {
  EXPECT_ERROR(serve({"--alias", "a", "--alias", "b"}), HasSubstr("alias: more names (2) than models (1)"));
}

TEST_F(Config, OnlyThisMachineIsServedWithoutKeys) {
  for (const char* host : {"127.0.0.1", "127.1.2.3", "::1", "localhost"}) ASSERT_OK(serve({"--host", host}));
  for (const char* host : {"0.0.0.0", "::", "192.168.0.2", "128.0.0.1", "127.0.0.1.example.org", "127.1"}) {
    EXPECT_ERROR(serve({"--host", host}),
                 AllOf(HasSubstr("command line: host: "), HasSubstr("--api-key-file")));
    ASSERT_OK(serve({"--host", host, "--insecure"}));
    ASSERT_OK(serve({"--host", host, "--api-key-file", "keys"}));
  }
  ASSERT_OK(serve({"--host", "0.0.0.0"}, /*activated=*/true));  // the socket unit says where
}

TEST_F(Config, ExampleFileShowsEverySetting) {
  std::string toml = test::read_file(test::data_dir() / ".." / ".." / "packaging" / "config.toml");
  ASSERT_OK(serve_file(toml));
  const ServeConfig defaults;
  for (const Setting& setting : settings()) {
    const std::string value = to_toml(defaults, setting);
    const bool unset = value == "[]" || value == "\"\"";  // there is an example instead
    const std::string commented = fmt::format("\n#{} = ", setting.name);
    EXPECT_THAT(toml, HasSubstr(commented + (unset ? "" : value + "\n")));
    if (const size_t at = toml.find(commented); at != std::string::npos) toml.erase(at + 1, 1);
  }
  ASSERT_OK_AND_ASSIGN(const ResolvedConfig uncommented, serve_file(toml));
  EXPECT_THAT(uncommented.toml, Not(HasSubstr("# default")));
}

TEST_F(Config, HelpShowsDefaults) {
  CLI::App app;
  ServeCommandLine line;
  add_serve_options(app, line);
  EXPECT_THAT(app.help(), AllOf(HasSubstr("-m,--model FILE"), HasSubstr("--port N=8080"),
                                HasSubstr("--unload-after TIME=never"), HasSubstr("--print-config")));
}

}  // namespace
}  // namespace halcyon::serve

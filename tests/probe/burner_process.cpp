#include "tests/probe/burner_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/system_root.h"

namespace halcyon::test {

Burner::Burner(std::vector<std::string> arguments, std::vector<std::string> environment) {
  arguments.insert(arguments.begin(), BURNER);
  arguments.insert(arguments.end(), {"--seconds", "120"});
  std::array<int, 2> pipe{};
  EXPECT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(pipe[1], STDOUT_FILENO);
    for (std::string& variable : environment) ::putenv(variable.data());
    ::execv(BURNER, argv.data());
    ::_exit(127);
  }
  ::close(pipe[1]);
  output_ = ::fdopen(pipe[0], "r");
  read_truth();
}

Burner::~Burner() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  std::fclose(output_);
}

Truth Burner::truth() {
  ::kill(pid_, SIGUSR1);
  return read_truth();
}

Truth Burner::read_truth() {
  std::array<char, 512> line{};
  if (!std::fgets(line.data(), line.size(), output_)) {
    ADD_FAILURE() << "the burner said nothing";
    return {};
  }
  const auto json = nlohmann::json::parse(line.data());
  return {.monotonic_ns = json["monotonic_ns"], .cpu_ns = json["cpu_ns"], .wakeups = json["wakeups"]};
}

std::vector<pid_t> Burner::threads_named(const std::string& name) const {
  const std::string folder = "/proc/" + std::to_string(pid_) + "/task";
  std::vector<pid_t> tids;
  for (const std::string& tid : SystemRoot().names(folder))
    if (SystemRoot().text(folder + "/" + tid + "/comm") == name) tids.push_back(std::stoi(tid));
  return tids;
}

std::string spinner_folder() { return std::filesystem::path(SPINNER).parent_path().string(); }

}  // namespace halcyon::test

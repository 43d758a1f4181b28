#include "energy/baseline.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <ctime>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/quote.h"
#include "base/system.h"
#include "base/xdg.h"

namespace halcyon::energy {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

Result<fs::path> baseline_path() {
  TRY(const fs::path folder, data_dir());
  return folder / "baseline.json";
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

std::string now_utc() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", utc);
}

/// Writes a file that is there as a whole or not at all.
Result<void> replace_file(const fs::path& path, std::string_view text) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) return fail("{}: {}", path.parent_path().string(), error.message());
  const std::string temporary = fmt::format("{}.{}.partial", path.string(), ::getpid());
  const auto failed = [&] {
    const int reason = errno;
    ::unlink(temporary.c_str());
    return fail("{}: cannot write: {}", path.string(), std::generic_category().message(reason));
  };
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (fd < 0) return failed();
  errno = ENOSPC;  // of a short write
  const bool written =
      ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  const int reason = errno;
  ::close(fd);
  errno = reason;
  if (!written || ::rename(temporary.c_str(), path.c_str()) != 0) return failed();
  return {};
}

}  // namespace

Result<fs::path> save_baseline(const Meter& meter, double watts, double seconds, const SystemRoot& root) {
  TRY(const fs::path users, baseline_path());
  const fs::path path = root.at(users.string());
  const ordered_json document = {
      {"host", host_name()}, {"cpu", cpu_name()},  {"source", meter.measured_source()},
      {"watts", watts},      {"seconds", seconds}, {"measured_at", now_utc()}};
  CHECK_OK(replace_file(path, document.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n"));
  return path;
}

Result<std::optional<Baseline>> read_baseline() {
  TRY(const fs::path path, baseline_path());
  std::error_code error;
  if (!fs::exists(path, error)) return std::nullopt;
  TRY(const std::string text, SystemRoot().text(path.string()));
  const ordered_json document = ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto member = [&document](const char* name) {
    return document.is_object() ? document.value(name, ordered_json()) : ordered_json();
  };
  Baseline baseline;
  for (const auto& [name, field] : {std::pair("host", &baseline.host),
                                    {"cpu", &baseline.cpu},
                                    {"source", &baseline.source},
                                    {"measured_at", &baseline.measured_at}}) {
    const ordered_json value = member(name);
    if (!value.is_string())
      return fail("{}: {} should be a text: delete the file, or measure anew", path.string(), name);
    *field = value.get<std::string>();
  }
  for (const auto& [name, field] : {std::pair("watts", &baseline.watts), {"seconds", &baseline.seconds}}) {
    const ordered_json value = member(name);
    if (!value.is_number() || !(value.get<double>() >= 0) || std::isinf(value.get<double>()))
      return fail("{}: {} should be a number from 0 on: delete the file, or measure anew", path.string(),
                  name);
    *field = value.get<double>();
  }
  return baseline;
}

std::optional<double> load_baseline(const Meter& meter, Hints& hints) {
  const std::string source = meter.measured_source();
  if (source.empty()) return std::nullopt;
  const Result<std::optional<Baseline>> stored = read_baseline();
  if (!stored) {
    hints.push_back(stored.error().message);
    return std::nullopt;
  }
  if (!*stored) return std::nullopt;
  const Baseline& baseline = **stored;
  std::string why;
  if (baseline.host != host_name() || baseline.cpu != cpu_name())
    why = fmt::format("on {} with {}", quote(baseline.host), quote(baseline.cpu));
  else if (baseline.source != source)
    why = fmt::format("with {} and not with {}", quote(baseline.source), source);
  if (why.empty()) return baseline.watts;
  hints.push_back(fmt::format(
      "the stored baseline of the idle machine was measured {}, and is not used: halcyon power --baseline 60",
      why));
  return std::nullopt;
}

}  // namespace halcyon::energy

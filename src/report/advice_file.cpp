#include "report/advice_file.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "base/byte_source.h"
#include "base/quote.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace halcyon::report {
namespace {

// Bounds the recursion of toml++ over dotted keys, which it has no limit for.
constexpr uint64_t kMaxFileBytes = 16 << 10;
constexpr size_t kMaxCandidates = 16;
constexpr size_t kMaxText = 200;

/// What a kind of figure may be.
struct Limits {
  double high;
  double low = 0;
  double least_uncertainty = 0;  ///< of an estimate
};
constexpr std::array<std::string_view, 4> kCauses{"none", "cpu_spin", "gpu_pinned", "kernel_worker"};
constexpr Limits kRate{1e7, 1e-3}, kWatts{1e5, 0, kLeastUncertainWatts}, kJoules{1e6}, kSeconds{86400};

/// A table whose keys are asked for one by one; what nobody asked for is an error. The first mistake is kept.
class Reader {
 public:
  Reader(const toml::table& table, std::string path, std::string where)
      : table_(table), path_(std::move(path)), where_(std::move(where)) {}

  const toml::node* find(std::string_view key) {
    known_.insert(key);
    return table_.get(key);
  }

  /// From here on messages begin with this.
  void where(std::string where) { where_ = std::move(where); }

  /// A reader of a table that is the value of `key`.
  Reader below(const toml::table& table, std::string_view key) const {
    return Reader(table, path_, fmt::format("{}{}: ", where_, key));
  }

  const toml::table* table(std::string_view key) {
    const toml::node* node = find(key);
    if (node && !node->is_table()) mistake(*node, key, "expected a table");
    return node ? node->as_table() : nullptr;
  }

  void number(std::string_view key, std::optional<double>& out, double low, double high) {
    if (const toml::node* node = find(key)) {
      const std::optional<double> value = number_of(*node);
      if (!value || !(*value >= low && *value <= high))
        return mistake(*node, key, fmt::format("expected a number from {} to {}", low, high));
      out = value;
    }
  }

  void text(std::string_view key, std::string& out) {
    if (const toml::node* node = find(key)) {
      if (!node->is_string() || node->as_string()->get().empty() ||
          node->as_string()->get().size() > kMaxText)
        return mistake(*node, key, fmt::format("expected a text of 1 to {} bytes", kMaxText));
      out = node->as_string()->get();
    }
  }

  void boolean(std::string_view key, bool& out) {
    if (const toml::node* node = find(key)) {
      if (!node->is_boolean()) return mistake(*node, key, "expected true or false");
      out = node->as_boolean()->get();
    }
  }

  /// A number, or { value = …, plus_minus = …, measured = … }.
  void figure(std::string_view key, std::optional<Figure>& out, Limits limits) {
    const toml::node* node = find(key);
    if (!node) return;
    Figure figure;
    std::optional<double> plus_minus;
    const toml::node* value = node;
    if (const toml::table* parts = node->as_table()) {
      Reader reader = below(*parts, key);
      value = reader.find("value");
      reader.number("plus_minus", plus_minus, 0, limits.high);
      reader.boolean("measured", figure.measured);
      if (!take(reader.finish())) return;
    }
    const std::optional<double> number = value ? number_of(*value) : std::nullopt;
    if (!number || !(*number >= limits.low && *number <= limits.high))
      return mistake(
          value ? *value : *node, key,
          fmt::format("expected a number from {:g} to {:.0f}, or {{ value, plus_minus, measured }}",
                      limits.low, limits.high));
    figure.value = *number;
    const double least = figure.measured ? 0 : limits.least_uncertainty;
    figure.plus_minus = plus_minus.value_or(std::max(uncertainty(*number, figure.measured), least));
    out = figure;
  }

  void required(std::string_view key, Figure& out, Limits limits) {
    std::optional<Figure> found;
    figure(key, found, limits);
    if (!found) return mistake(table_, key, "is missing");
    out = *found;
  }

  void mistake(const toml::node& node, std::string_view key, const std::string& what) {
    if (!error_)
      error_ = Error{fmt::format("{}:{}: {}{}: {}", path_, node.source().begin.line, where_, key, what)};
  }

  bool take(Result<void> result) {
    if (!result && !error_) error_ = std::move(result.error());
    return result.has_value();
  }

  Result<void> finish() {
    for (const auto& [key, node] : table_)
      if (!known_.contains(key.str()))
        mistake(node, quote(key.str()),
                "unknown key, expected " + fmt::format("{}", fmt::join(known_, ", ")));
    if (error_) return std::unexpected(*error_);
    return {};
  }

 private:
  static std::optional<double> number_of(const toml::node& node) {
    if (node.is_integer()) return static_cast<double>(node.as_integer()->get());
    if (node.is_floating_point()) return node.as_floating_point()->get();
    return std::nullopt;
  }

  const toml::table& table_;
  std::string path_, where_;
  std::set<std::string_view, std::less<>> known_;
  std::optional<Error> error_;
};

/// `prefill_tps`: a figure, taken for prompts of any size, or an array of { tokens, tps }.
void read_prefill(Reader& reader, Candidate& c) {
  constexpr std::string_view kKey = "prefill_tps";
  const toml::node* node = reader.find(kKey);
  const toml::array* sizes = node ? node->as_array() : nullptr;
  if (!sizes) {
    std::optional<Figure> tps;
    reader.figure(kKey, tps, kRate);
    if (tps) c.prefill.push_back({.tokens = 512, .tps = *tps});
    return;
  }
  for (const toml::node& size : *sizes) {
    if (!size.is_table()) return reader.mistake(size, kKey, "expected tables { tokens, tps } in the array");
    Reader entry = reader.below(*size.as_table(), kKey);
    std::optional<double> tokens;
    Figure tps;
    entry.number("tokens", tokens, 1, 1e7);
    entry.required("tps", tps, kRate);
    if (!tokens) entry.mistake(size, "tokens", "is missing");
    if (!reader.take(entry.finish())) return;
    c.prefill.push_back({.tokens = static_cast<int>(*tokens), .tps = tps});
  }
}

void read_versions(Reader& reader, Candidate& c) {
  const toml::table* table = reader.table("versions");
  if (!table) return;
  for (const auto& [name, version] : *table) {
    if (!version.is_string())
      return reader.mistake(version, "versions", "expected a text for " + quote(name.str()));
    c.versions[std::string(name.str())] = version.as_string()->get();
  }
}

Result<Candidate> read_candidate(const toml::table& table, const std::string& path) {
  Candidate c;
  c.origin = fmt::format("{}:{}", std::filesystem::path(path).filename().string(), table.source().begin.line);
  Reader reader(table, path, "candidate: ");
  reader.text("name", c.name);
  if (c.name.empty()) reader.mistake(table, "name", "is missing");
  reader.where("candidate " + quote(c.name) + ": ");

  std::string command;
  reader.text("command", command);
  if (!command.empty()) c.target = "-- " + command;
  reader.required("decode_tps", c.decode_tps, kRate);
  reader.required("active_watts", c.active_watts, kWatts);
  reader.required("idle_watts", c.idle_watts, kWatts);
  read_prefill(reader, c);
  reader.figure("prefill_j_per_token", c.prefill_j_per_token, kJoules);
  reader.figure("load_seconds", c.load_seconds, kSeconds);
  reader.figure("load_watts", c.load_watts, kWatts);
  reader.figure("frozen_watts", c.frozen_watts, kWatts);
  reader.figure("thaw_seconds", c.thaw_seconds, kSeconds);
  reader.text("burn_cause", c.burn_cause);
  if (std::ranges::find(kCauses, c.burn_cause) == kCauses.end())
    reader.mistake(*table.get("burn_cause"), "burn_cause",
                   fmt::format("expected {}, got {}", fmt::join(kCauses, ", "), quote(c.burn_cause)));
  read_versions(reader, c);
  CHECK_OK(reader.finish());
  return c;
}

Result<void> read_workload(const toml::table& table, const std::string& path, WorkloadRequest& workload) {
  Reader reader(table, path, "workload: ");
  std::string preset;
  reader.text("preset", preset);
  if (!preset.empty()) {
    if (std::ranges::find(presets(), preset, &Workload::name) == presets().end())
      reader.mistake(*table.get("preset"), "preset", "expected chat, server or batch, got " + quote(preset));
    workload.preset = preset;
  }
  for (const WorkloadField& field : workload_fields())
    reader.number(field.key, workload.*field.member, field.low, field.high);
  if (workload.tokens_per_day && workload.busy_share)
    reader.mistake(table, "busy_share", "expected either this or tokens_per_day");
  return reader.finish();
}

Result<Price> read_price(const toml::table& table, const std::string& path) {
  Reader reader(table, path, "price: ");
  Price price;
  std::optional<double> per_kwh;
  reader.number("per_kwh", per_kwh, 0, kMaxPricePerKwh);
  reader.text("currency", price.currency);
  if (!per_kwh) reader.mistake(table, "per_kwh", "is missing");
  CHECK_OK(reader.finish());
  price.per_kwh = *per_kwh;
  return price;
}

}  // namespace

Result<AdviceFile> read_advice_file(const std::string& path) {
  TRY(const std::string text, read_text(path, kMaxFileBytes, "a file of figures"));
  const toml::parse_result parsed = toml::parse(std::string_view(text));
  if (!parsed)
    return fail("{}:{}: {}", path, parsed.error().source().begin.line,
                quote(parsed.error().description(), 300));

  AdviceFile file;
  Reader reader(parsed.table(), path, "");
  if (const toml::node* node = reader.find("candidate")) {
    const toml::array* tables = node->as_array();
    if (!tables || !tables->is_homogeneous(toml::node_type::table) || tables->size() > kMaxCandidates) {
      reader.mistake(*node, "candidate",
                     fmt::format("expected 1 to {} tables [[candidate]]", kMaxCandidates));
      return std::unexpected(reader.finish().error());
    }
    for (const toml::node& table : *tables) {
      TRY(Candidate candidate, read_candidate(*table.as_table(), path));
      file.candidates.push_back(std::move(candidate));
    }
  }
  if (const toml::table* table = reader.table("workload")) {
    CHECK_OK(read_workload(*table, path, file.workload.emplace()));
  }
  if (const toml::table* table = reader.table("price")) {
    TRY(file.price, read_price(*table, path));
  }
  CHECK_OK(reader.finish());
  return file;
}

}  // namespace halcyon::report

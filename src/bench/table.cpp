// Tables for people.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "base/quote.h"
#include "bench/build_info.h"
#include "bench/writer.h"
#include "report/format.h"

namespace halcyon::bench {
namespace {

using report::digits;

std::string percent(double fraction) { return fmt::format("{} %", digits(fraction * 100)); }

/// What is counted with as many experts as are expected.
std::string about(const CaseResult& r) { return r.work.experts_expected ? "≈" : ""; }

struct Column {
  std::string_view title;
  size_t width;  ///< on a terminal
  std::string (*text)(const CaseResult&);
};

std::string median(const CaseResult& r) {
  const std::string marks = std::string(r.is_complete ? "" : "!") + (is_unsteady(r) ? "~" : "");
  return marks + digits(r.rates().median);
}

// The figures of a case, the same in both tables.
constexpr Column kColumns[] = {
    {"tok/s", 9, median},
    {"mean ± deviation", 17, [](const CaseResult& r) { return digits(r.rates().mean, r.rates().deviation); }},
    {"cold", 8, [](const CaseResult& r) { return digits(r.cold_rate()); }},
    {"GB/s", 6, [](const CaseResult& r) { return about(r) + digits(r.bytes_per_second() / 1e9); }},
    {"of read", 8, [](const CaseResult& r) { return about(r) + percent(r.read_fraction()); }},
    {"GMAC/s", 7, [](const CaseResult& r) { return digits(r.macs_per_second() / 1e9); }},
    {"of limit", 8, [](const CaseResult& r) { return percent(r.compute_fraction()); }},
    {"CPU-ms/tok", 10, [](const CaseResult& r) { return digits(r.cpu_seconds_per_token() * 1e3); }},
    {"J/tok", 8, [](const CaseResult& r) { return r.price ? digits(r.price->joules) : "–"; }},
    {"peak", 8, [](const CaseResult& r) { return r.peak_memory ? report::in_bytes(*r.peak_memory) : "–"; }},
    {"logits", 16, [](const CaseResult& r) { return fmt::format("{:016x}", r.logits_hash); }},
};

std::string padded(std::string_view text, size_t width, bool left) {
  const std::string space(width - std::min(width, report::width_of(text)), ' ');
  return left ? std::string(text) + space : space + std::string(text);
}

std::string in_seconds(double seconds) {
  return seconds < 1 ? digits(seconds * 1e3) + " ms" : digits(seconds) + " s";
}

/// What the marks and the figures of the table mean, those that are there.
class Notes {
 public:
  void add(const CaseResult& r) {
    if (is_unsteady(r))
      texts_.insert(
          fmt::format("~  unsteady: the machine's limits before and after differ by more than {:.0f} %, {} "
                      "times in a row",
                      kMostDrift * 100, r.attempts));
    if (!r.is_complete) texts_.insert("!  stopped before the last repetition");
    if (r.work.experts_expected)
      texts_.insert(
          "≈  with the experts that are expected to be routed to, all being equally likely: at most that");
    if (r.price)
      texts_.insert(
          fmt::format("J/tok: {}{}", r.price->is_measured ? "measured: " : "", one_line(r.price->source)));
  }
  const std::set<std::string>& texts() const { return texts_; }

 private:
  std::set<std::string> texts_;
};

/// The limits that the fractions of one setup refer to, as means over its cases.
class MeanLimits {
 public:
  void add(const CaseResult& r) {
    const backend::Limits limits = r.limits();
    read_ += limits.read.per_second;
    int8_ += limits.int8_macs.per_second;
    float_ += limits.float_macs.per_second;
    last_ = limits;
    ++n_;
  }
  std::string text() const {
    const auto mean = [n = n_](double sum) { return digits(sum / static_cast<double>(n) / 1e9); };
    return fmt::format("limits: read {} GB/s, int8 {} GMAC/s ({}), float32 {} GMAC/s ({})", mean(read_),
                       mean(int8_), last_.int8_macs.how, mean(float_), last_.float_macs.how);
  }
  size_t count() const { return n_; }

 private:
  double read_ = 0, int8_ = 0, float_ = 0;
  backend::Limits last_;
  size_t n_ = 0;
};

class TableWriter final : public Writer {
 public:
  explicit TableWriter(const std::vector<ModelFile>& models) : models_(models) {}

  std::string add(const CaseResult& r) override {
    std::string text;
    if (!is_same(r.setup)) {
      text = end_of_setup() + heading(r);
      setup_ = r.setup;
    }
    notes_.add(r);
    limits_.add(r);
    text += padded(name_of(r.what), kNameWidth, true);
    for (const Column& column : kColumns) text += "  " + padded(column.text(r), column.width, false);
    return text + '\n';
  }

  std::string finish() override {
    std::string text = end_of_setup();
    for (const std::string& note : notes_.texts()) text += note + '\n';
    return text;
  }

 private:
  static constexpr size_t kNameWidth = 18;

  bool is_same(const Setup& setup) const {
    return setup_ && setup_->model == setup.model && setup_->kv == setup.kv && setup_->isa == setup.isa &&
           setup_->threads == setup.threads;
  }

  std::string heading(const CaseResult& r) const {
    const ModelFile& model = models_[r.setup.model];
    std::string text = fmt::format(
        "{} · {}, {} · {} thread{} · {} · KV {} · loaded in {}\n", one_line(model.name), model.type,
        report::in_bytes(model.summary.tensor_bytes), r.setup.threads, r.setup.threads == 1 ? "" : "s",
        r.setup.isa, name_of(r.setup.kv), in_seconds(r.load_seconds));
    text += padded("", kNameWidth, true);
    for (const Column& column : kColumns) text += "  " + padded(column.title, column.width, false);
    return text + '\n';
  }

  /// The limits of the setup that is complete, and an empty line.
  std::string end_of_setup() {
    const MeanLimits limits = std::exchange(limits_, {});
    return limits.count() == 0 ? "" : limits.text() + "\n\n";
  }

  const std::vector<ModelFile>& models_;
  std::optional<Setup> setup_;
  MeanLimits limits_;
  Notes notes_;
};

class MarkdownWriter final : public Writer {
 public:
  explicit MarkdownWriter(const std::vector<ModelFile>& models) : models_(models) {}

  std::string add(const CaseResult& r) override {
    const ModelFile& model = models_[r.setup.model];
    notes_.add(r);
    std::string text = std::exchange(is_first_, false) ? head() : "";
    text += fmt::format("| {} | {} | {} | CPU | {} | {} | {} | {} | {} |", escaped(model.type),
                        report::in_bytes(model.summary.tensor_bytes), model.summary.parameter_size,
                        r.setup.threads, r.setup.isa, name_of(r.setup.kv), in_seconds(r.load_seconds),
                        name_of(r.what));
    for (const Column& column : kColumns) text += fmt::format(" {} |", column.text(r));
    return text + '\n';
  }

  std::string finish() override {
    std::string text = fmt::format("\nbuild: {} ({})\n", build_info().commit, build_info().number);
    for (const std::string& note : notes_.texts()) text += "\n" + escaped(note) + '\n';
    return text;
  }

 private:
  static std::string head() {
    std::string names = "| model | size | params | backend | threads | isa | KV | load | test |";
    std::string rule = "| --- | ---: | ---: | --- | ---: | --- | --- | ---: | --- |";
    for (const Column& column : kColumns) {
      names += fmt::format(" {} |", column.title);
      rule += " ---: |";
    }
    return names + '\n' + rule + '\n';
  }

  static std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : one_line(text)) {
      if (c == '|' || c == '~' || c == '<' || c == '`' || c == '*' || c == '\\') out += '\\';
      out += c;
    }
    return out;
  }

  const std::vector<ModelFile>& models_;
  Notes notes_;
  bool is_first_ = true;
};

}  // namespace

std::unique_ptr<Writer> make_table_writer(const std::vector<ModelFile>& models) {
  return std::make_unique<TableWriter>(models);
}

std::unique_ptr<Writer> make_markdown_writer(const std::vector<ModelFile>& models) {
  return std::make_unique<MarkdownWriter>(models);
}

}  // namespace halcyon::bench

#include "bench/roofline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bench/label_places.h"
#include "report/chart.h"
#include "report/format.h"
#include "report/page_style.h"
#include "report/svg.h"

namespace halcyon::bench {
namespace {

namespace svg = report::svg;
using report::digits;

// Pixels of the picture, and of the plot within it.
constexpr double kWidth = 1000, kLeft = 70, kPlotWidth = 900, kPlotHeight = 460, kBelow = 60, kLegendRow = 20;
constexpr double kLegendTop = 52, kAbove = 16;
constexpr double kCharacter = 7;  // the width of one, about

// Labels stay legible on lines.
constexpr std::string_view kLabelStyle =
    ".label { paint-order: stroke; stroke: var(--ground); stroke-width: 4; stroke-linejoin: round; }\n";

/// From values to a share of a logarithmic axis.
struct LogAxis {
  double from = 1, to = 10;
  double operator()(double value) const { return std::log(value / from) / std::log(to / from); }
  bool shows(double value) const { return value >= from * 0.999 && value <= to * 1.001; }
};

/// The powers of ten, and between them 2 and 5 times as much if there are few of them.
std::vector<double> ticks(const LogAxis& axis) {
  std::vector<double> out;
  const bool is_short = axis.to / axis.from < 1000;
  for (int exponent = static_cast<int>(std::floor(std::log10(axis.from))); std::pow(10, exponent) <= axis.to;
       ++exponent)
    for (const double factor : {1.0, 2.0, 5.0})
      if (const double tick = factor * std::pow(10, exponent); (factor == 1 || is_short) && axis.shows(tick))
        out.push_back(tick);
  return out;
}

/// The limits of one number of threads and ISA.
struct Roof {
  std::string isa;
  int32_t threads = 0;
  double read = 0, int8 = 0, f32 = 0;  ///< G units per second; sums first, then means
  size_t n_cases = 0;
};

std::vector<Roof> roofs_of(const std::vector<CaseResult>& results) {
  std::vector<Roof> roofs;
  for (const CaseResult& r : results) {
    auto roof = std::ranges::find_if(
        roofs, [&](const Roof& x) { return x.isa == r.setup.isa && x.threads == r.setup.threads; });
    if (roof == roofs.end()) roof = roofs.insert(roof, {.isa = r.setup.isa, .threads = r.setup.threads});
    const backend::Limits limits = r.limits();
    roof->read += limits.read.per_second / 1e9;
    roof->int8 += limits.int8_macs.per_second / 1e9;
    roof->f32 += limits.float_macs.per_second / 1e9;
    ++roof->n_cases;
  }
  for (Roof& roof : roofs)
    for (double* const sum : {&roof.read, &roof.int8, &roof.f32}) *sum /= static_cast<double>(roof.n_cases);
  return roofs;
}

double intensity(const CaseResult& r) { return r.work.macs() / r.work.bytes(); }

bool can_be_drawn(const CaseResult& r) {
  const double x = intensity(r), y = r.macs_per_second();
  return std::isfinite(x) && x > 0 && std::isfinite(y) && y > 0;
}

class Picture {
 public:
  Picture(const std::vector<CaseResult>& results, const std::vector<ModelFile>& models)
      : models_(models), roofs_(roofs_of(results)), places_({0, 0, kPlotWidth, kPlotHeight}) {
    for (const CaseResult& r : results)
      if (can_be_drawn(r)) results_.push_back(&r);
    choose_axes();
  }

  std::string draw() {
    std::string plot = draw_axes();
    for (size_t i = 0; i < roofs_.size(); ++i) plot += draw_roof(roofs_[i], i);
    plot += draw_points();
    const double top = kLegendTop + kLegendRow * static_cast<double>(roofs_.size()) + kAbove;
    const double height = top + kPlotHeight + kBelow;
    return fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
        "role=\"img\" "
        "font-family=\"system-ui, sans-serif\">\n"
        "<title>Roofline</title>\n<style>{2}{9}</style>\n"
        "<rect width=\"100%\" height=\"100%\" fill=\"var(--ground)\"/>\n{3}\n"
        "<svg x=\"{4:.0f}\" y=\"{5:.0f}\" width=\"{6:.0f}\" height=\"{7:.0f}\" "
        "class=\"plot\">\n{8}</svg>\n</svg>\n",
        kWidth, height, report::kChartStyle, draw_legend(), kLeft, top, kPlotWidth, kPlotHeight, plot,
        kLabelStyle);
  }

 private:
  void choose_axes() {
    double least_x = 1, most_x = 1, least_y = 1, most_y = 1;
    bool is_first = true;
    const auto include = [&](double x, double y) {
      least_x = is_first ? x : std::min(least_x, x), most_x = is_first ? x : std::max(most_x, x);
      least_y = is_first ? y : std::min(least_y, y), most_y = is_first ? y : std::max(most_y, y);
      is_first = false;
    };
    for (const CaseResult* r : results_) include(intensity(*r), r->macs_per_second() / 1e9);
    for (const Roof& roof : roofs_) include(roof.int8 / roof.read, roof.int8);
    x_ = {.from = least_x / 2, .to = most_x * 4};
    y_ = {.from = least_y / 3, .to = most_y * 2};
  }

  double left(double x) const { return x_(x) * 100; }               ///< percent
  double top(double y) const { return (1 - y_(y)) * kPlotHeight; }  ///< pixels
  double pixels(double percent) const { return percent * kPlotWidth / 100; }

  std::string draw_axes() const {
    std::string out;
    for (const double tick : ticks(x_)) {
      out += svg::line(left(tick), 0, left(tick), kPlotHeight + 4, "grid");
      out +=
          svg::text(left(tick), kPlotHeight + 18, 0, svg::Anchor::middle, "muted", fmt::format("{:g}", tick));
    }
    for (const double tick : ticks(y_)) {
      out += svg::line(0, top(tick), 100, top(tick), "grid");
      out += svg::text(0, top(tick) + 4, -8, svg::Anchor::end, "muted", fmt::format("{:g}", tick));
    }
    out += svg::line(0, kPlotHeight, 100, kPlotHeight, "axis") + svg::line(0, 0, 0, kPlotHeight, "axis");
    out += svg::text(100, kPlotHeight + 40, 0, svg::Anchor::end, "muted",
                     "arithmetic intensity, multiply-adds per byte streamed");
    return out + svg::text(0, -10, -kLeft + 10, svg::Anchor::start, "muted", "G multiply-adds/s") + '\n';
  }

  /// A key and the limits in words for each roof.
  std::string draw_legend() const {
    std::string out = svg::text(0, 26, 20, svg::Anchor::start, "strong", "Roofline of halcyon bench");
    for (size_t i = 0; i < roofs_.size(); ++i) {
      const Roof& roof = roofs_[i];
      const double y = kLegendTop - 4 + kLegendRow * static_cast<double>(i);
      out += svg::line(2, y - 4, 5, y - 4, fmt::format("line c{}", i % report::kColours));
      out += svg::text(
          5, y, 8, svg::Anchor::start, "muted",
          fmt::format("{} thread{}, {}: read {} GB/s; int8 {} and, dashed, float32 {} G multiply-adds/s",
                      roof.threads, roof.threads == 1 ? "" : "s", roof.isa, digits(roof.read),
                      digits(roof.int8), digits(roof.f32)));
    }
    return out;
  }

  std::string draw_roof(const Roof& roof, size_t i) const {
    const std::string classes = fmt::format("line c{}", i % report::kColours);
    const double start = std::max(x_.from, y_.from / roof.read), ridge = roof.int8 / roof.read,
                 f32_ridge = roof.f32 / roof.read;
    return svg::line(left(start), top(start * roof.read), left(ridge), top(roof.int8), classes) +
           svg::line(left(ridge), top(roof.int8), 100, top(roof.int8), classes) +
           svg::line(left(std::max(start, f32_ridge)), top(roof.f32), 100, top(roof.f32), classes + " d1") +
           '\n';
  }

  /// What tells a case from all others in the picture.
  std::string label(const CaseResult& r) const {
    std::string text = name_of(r.what);
    const auto differs = [&](auto member) {
      return std::ranges::any_of(results_,
                                 [&](const CaseResult* x) { return x->setup.*member != r.setup.*member; });
    };
    if (differs(&Setup::model)) text += " " + models_[r.setup.model].name;
    if (differs(&Setup::kv)) text += fmt::format(" KV {}", name_of(r.setup.kv));
    if (differs(&Setup::isa)) text += " " + r.setup.isa;
    if (differs(&Setup::threads))
      text += fmt::format(", {} thread{}", r.setup.threads, r.setup.threads == 1 ? "" : "s");
    return text + fmt::format(" {} %", digits(std::max(r.read_fraction(), r.compute_fraction()) * 100));
  }

  std::string draw_points() {
    for (const CaseResult* r : results_) {
      const double x = pixels(left(intensity(*r))), y = top(r->macs_per_second() / 1e9);
      places_.occupy({x - 5, y - 5, x + 5, y + 5});
    }
    std::string out;
    for (const CaseResult* r : results_) {
      const size_t roof = static_cast<size_t>(
          std::ranges::find_if(
              roofs_, [&](const Roof& x) { return x.isa == r->setup.isa && x.threads == r->setup.threads; }) -
          roofs_.begin());
      const double x = left(intensity(*r)), y = top(r->macs_per_second() / 1e9);
      const std::string text = label(*r);
      const auto place = places_.find(pixels(x), y, kCharacter * static_cast<double>(report::width_of(text)));
      if (place) {
        const double at = place->x / kPlotWidth * 100;
        if (place->distance > 0) out += svg::line(x, y, at, place->y - 4, "grid");
        out += svg::text(at, place->y, 0, place->anchor, "label", text);
      }
      out += fmt::format(
          "<g><title>{}</title>{}</g>\n",
          svg::escape(fmt::format("{}: {} multiply-adds per byte, {} G multiply-adds/s, {} tok/s; "
                                  "{} % of read, {} % of compute",
                                  text, digits(intensity(*r)), digits(r->macs_per_second() / 1e9),
                                  digits(r->rates().median), digits(r->read_fraction() * 100),
                                  digits(r->compute_fraction() * 100))),
          svg::circle(x, y, 4.5, fmt::format("dot c{}", roof % report::kColours)));
    }
    return out;
  }

  const std::vector<ModelFile>& models_;
  std::vector<const CaseResult*> results_;
  const std::vector<Roof> roofs_;
  LogAxis x_, y_;
  LabelPlaces places_;
};

}  // namespace

std::string roofline(const std::vector<CaseResult>& results, const std::vector<ModelFile>& models) {
  return Picture(results, models).draw();
}

}  // namespace halcyon::bench

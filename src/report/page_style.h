// How a report page looks, and the drawings in it.
#pragma once

#include <string_view>

namespace halcyon::report {

// The six colours of charts are those of Okabe and Ito (https://jfly.uni-koeln.de/color/) that contrast with
// the ground, lighter ones for dark pages.
/// Colours, and drawings (svg.h) of the class "chart"; enough for one that stands alone.
inline constexpr std::string_view kChartStyle = R"(
:root {
  --ground: #fff; --text: #1b1f24; --muted: #59626d; --rule: #d5dae0; --raised: #f5f7f9;
  --c0: #0072b2; --c1: #c25400; --c2: #007f5f; --c3: #a8548b; --c4: #8a6d00; --c5: #4b5563;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171a; --text: #e4e8ec; --muted: #9aa5b1; --rule: #363d45; --raised: #1d2125;
    --c0: #56b4e9; --c1: #f0913a; --c2: #2cc29b; --c3: #e39bc4; --c4: #e0c341; --c5: #a9b4c0;
  }
}
.chart { display: block; width: 100%; overflow: visible; font-size: 13px; }
.chart text { fill: var(--text); }
.band { stroke: var(--ground); stroke-width: 2; }
.chart .muted { fill: var(--muted); font-size: 12px; }
.chart .group, .chart .strong { font-weight: 600; }
.axis { stroke: var(--muted); }
.grid { stroke: var(--rule); }
.outline { fill: var(--raised); stroke: var(--muted); }
.whisker { stroke: var(--text); stroke-width: 1.5; }
.mark { stroke: var(--text); stroke-dasharray: 2 3; }
.plot { overflow: visible; }
.line { fill: none; stroke-width: 2.25; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
.d1 { stroke-dasharray: 9 5; }
.d2 { stroke-dasharray: 2 4; }
.bar.c0, .band.c0, .dot.c0 { fill: var(--c0); } .line.c0 { stroke: var(--c0); }
.bar.c1, .band.c1, .dot.c1 { fill: var(--c1); } .line.c1 { stroke: var(--c1); }
.bar.c2, .band.c2, .dot.c2 { fill: var(--c2); } .line.c2 { stroke: var(--c2); }
.bar.c3, .band.c3, .dot.c3 { fill: var(--c3); } .line.c3 { stroke: var(--c3); }
.bar.c4, .band.c4, .dot.c4 { fill: var(--c4); } .line.c4 { stroke: var(--c4); }
.bar.c5, .band.c5, .dot.c5 { fill: var(--c5); } .line.c5 { stroke: var(--c5); }
)";

/// All else on a page; goes after kChartStyle.
inline constexpr std::string_view kPageStyle = R"(
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 56rem; margin: 0 auto; padding: 1rem 1rem 4rem; overflow-wrap: anywhere; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 1.5rem 0 .5rem; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 2.75rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--rule); }
p, ul { margin: .5rem 0; max-width: 44rem; }
ul { padding-left: 1.25rem; }
figure { margin: 1.25rem 0 .5rem; }
figcaption { font-weight: 600; margin-bottom: .5rem; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: 0 0 .5rem; padding: 0; list-style: none; font-size: .875rem; }
.key { width: 28px; height: 12px; margin-right: .5rem; vertical-align: middle; }
.wide { overflow-x: auto; margin: .75rem 0; }
table { border-collapse: collapse; font-size: .9375rem; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
caption { text-align: left; font-weight: 600; padding-bottom: .25rem; }
th, td { padding: .3rem 1.25rem .3rem 0; border-bottom: 1px solid var(--rule); text-align: left; vertical-align: top; font-weight: 400; min-width: 4rem; max-width: 26rem; overflow-wrap: break-word; }
th[scope=row] { min-width: 7.5rem; }
th[scope=col] { color: var(--muted); font-size: .8125rem; vertical-align: bottom; }
.figure { text-align: right; white-space: nowrap; }
th:last-child, td:last-child { padding-right: 0; }
details { margin: .25rem 0 1rem; }
summary { color: var(--muted); font-size: .875rem; cursor: pointer; }
.group { margin: .75rem 0 .25rem; font-size: .875rem; font-weight: 600; }
.bars { max-width: none; margin: 0; padding: 0; list-style: none; font-size: .875rem; }
.bars li { display: flex; flex-wrap: wrap; justify-content: space-between; column-gap: 1rem; margin-bottom: .375rem; line-height: 1.35; }
.bars svg { display: block; width: 100%; }
.value { margin-left: auto; text-align: right; font-variant-numeric: tabular-nums; }
.muted { color: var(--muted); }
.marked { font-weight: 600; }
.axes { width: calc(100% - 40px - 14px); margin-left: 40px; }
@media (max-width: 32rem) {
  table { font-size: .8125rem; }
  th, td { padding-right: .75rem; min-width: 3rem; }
  .figure { white-space: normal; }
}
@media print {
  :root { --ground: #fff; --text: #000; --muted: #444; --rule: #bbb; --raised: #f2f2f2;
    --c0: #0072b2; --c1: #c25400; --c2: #007f5f; --c3: #a8548b; --c4: #8a6d00; --c5: #4b5563; }
  body { font-size: 11pt; }
  main { max-width: none; padding: 0 1rem; }
  figure, tr { break-inside: avoid; }
  h2, figcaption, caption { break-after: avoid; }
  .chart rect, .band, .bar { print-color-adjust: exact; }
  .wide { overflow: visible; }
}
)";

}  // namespace halcyon::report

// The members of each object of the document, once for writing and reading: `visit(name, member)`, and the
// limits or choices of those that have some.
#pragma once

#include <array>
#include <concepts>
#include <span>
#include <string_view>
#include <type_traits>

#include "report/measurement.h"

namespace halcyon::report {

struct Limits {
  double least = 0, most = 1e15;
};
constexpr Limits kAnySign{-1e15, 1e15};
constexpr Limits kFraction{0, 1};

using Choices = std::span<const std::string_view>;
constexpr std::array<std::string_view, 2> kProtocols{"quick", "full"};
constexpr std::array<std::string_view, 4> kCauses{"none", "cpu_spin", "gpu_pinned", "kernel_worker"};

template <class T, class Of>
concept Like = std::same_as<std::remove_const_t<T>, Of>;

void members(auto& visit, Like<Rates> auto& r) {
  visit("tokens", r.tokens);
  visit("tps", r.tps);
  visit("median_tps", r.median_tps);
  visit("mean_tps", r.mean_tps);
  visit("stddev_tps", r.stddev_tps);
  visit("server_tps", r.server_tps);
  visit("note", r.note);
}

void members(auto& visit, Like<IdleWindow::Second> auto& s) {
  visit("at", s.at);
  visit("cpu_percent", s.cpu_percent);
  visit("wakeups_per_second", s.wakeups_per_second);
  visit("watts", s.watts);
  visit("gpu_busy_percent", s.gpu_busy_percent);
  visit("rss_bytes", s.rss_bytes);
  visit("gpu_clock_mhz", s.gpu_clock_mhz);
}

void members(auto& visit, Like<IdleWindow::Thread> auto& t) {
  visit("pid", t.pid);
  visit("tid", t.tid);
  visit("name", t.name);
  visit("cpu_percent", t.cpu_percent);
  visit("wakeups_per_second", t.wakeups_per_second);
}

void members(auto& visit, Like<IdleWindow> auto& w) {
  visit("seconds", w.seconds);
  visit("cpu_percent", w.cpu_percent);
  visit("wakeups_per_second", w.wakeups_per_second);
  visit("rss_bytes", w.rss_bytes);
  visit("watts", w.watts);
  visit("gpu_busy_percent", w.gpu_busy_percent);
  visit("gpu_clock_mhz", w.gpu_clock_mhz);
  visit("series", w.series);
  visit("threads", w.threads);
}

void members(auto& visit, Like<Task> auto& t) {
  visit("name", t.name);
  visit("prompt_tokens", t.prompt_tokens);
  visit("generated_tokens", t.generated_tokens);
  visit("prompt_tps", t.prompt_tps);
  visit("tps", t.tps);
  visit("seconds", t.seconds);
  visit("joules", t.joules);
  visit("error", t.error);
}

void members(auto& visit, Like<HotRange> auto& r) {
  visit("object", r.object);
  visit("offset", r.offset);
  visit("size", r.size);
  visit("share", r.share, kFraction);
  visit("symbol", r.symbol);
}

void members(auto& visit, Like<Measurement::Target> auto& t) {
  visit("name", t.name);
  visit("url", t.url);
  visit("dialect", t.dialect);
  visit("model", t.model);
  visit("command", t.command);
  visit("pid", t.pid);
}

void members(auto& visit, Like<Measurement::Machine::Gpu> auto& g) {
  visit("name", g.name);
  visit("vram_bytes", g.vram_bytes);
  visit("gtt_bytes", g.gtt_bytes);
}

void members(auto& visit, Like<Measurement::Machine> auto& m) {
  visit("cpu", m.cpu);
  visit("cores", m.cores);
  visit("memory_bytes", m.memory_bytes);
  visit("gpus", m.gpus);
}

void members(auto& visit, Like<Measurement::Memory> auto& m) {
  visit("rss_before_load", m.rss_before_load);
  visit("rss_after_load", m.rss_after_load);
  visit("rss_peak", m.rss_peak);
  visit("vram_used", m.vram_used);
  visit("gtt_used", m.gtt_used);
}

void members(auto& visit, Like<Measurement::Idle> auto& i) {
  visit("before", i.before);
  visit("after_load", i.after_load);
  visit("after_generation", i.after_generation);
}

void members(auto& visit, Like<Measurement::Throughput::Decode> auto& d) {
  visit("tokens", d.tokens);
  visit("cold_tps", d.cold_tps);
  visit("warm_tps", d.warm_tps);
  visit("warm_mean_tps", d.warm_mean_tps);
  visit("warm_stddev_tps", d.warm_stddev_tps);
  visit("warm", d.warm);
  visit("server_tps", d.server_tps);
  visit("cpu_percent", d.cpu_percent);
}

void members(auto& visit, Like<Measurement::Throughput> auto& t) {
  visit("prefill", t.prefill);
  visit("decode", t.decode);
}

void members(auto& visit, Like<Measurement::Energy::PerToken> auto& p) {
  visit("prefill", p.prefill, kAnySign);
  visit("decode", p.decode, kAnySign);
}

void members(auto& visit, Like<Measurement::Energy> auto& e) {
  visit("source", e.source);
  visit("measured", e.measured);
  visit("j_per_token", e.j_per_token);
  visit("j_per_token_above_idle", e.j_per_token_above_idle);
  visit("idle_watts", e.idle_watts);
  visit("active_watts", e.active_watts);
  visit("server_idle_watts", e.server_idle_watts, kAnySign);
}

void members(auto& visit, Like<Measurement::Burn> auto& b) {
  visit("cause", b.cause, kCauses);
  visit("evidence", b.evidence);
  visit("advice", b.advice);
  visit("method", b.method);
  visit("hot_ranges", b.hot_ranges);
}

void members(auto& visit, Like<Measurement> auto& m) {
  visit("id", m.id);
  visit("started_at", m.started_at);
  visit("protocol", m.protocol, kProtocols);
  visit("complete", m.complete);
  visit("problems", m.problems);
  visit("target", m.target);
  visit("versions", m.versions);
  visit("machine", m.machine);
  visit("memory", m.memory);
  visit("load_seconds", m.load_seconds);
  visit("idle", m.idle);
  visit("throughput", m.throughput);
  visit("energy", m.energy);
  visit("burn", m.burn);
  visit("tasks", m.tasks);
}

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;

using Texts = std::map<std::string, std::string>;

}  // namespace halcyon::report

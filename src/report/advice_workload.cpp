#include "report/advice_workload.h"

#include <algorithm>
#include <array>

#include "base/quote.h"
#include "report/advice_cost.h"

namespace halcyon::report {
namespace {

/// The figures of `over`, where there are any, in place of those of `base`.
WorkloadRequest merge(WorkloadRequest base, const WorkloadRequest& over) {
  if (over.tokens_per_day || over.busy_share) base.tokens_per_day = base.busy_share = std::nullopt;
  for (const WorkloadField& field : workload_fields())
    if (over.*field.member) base.*field.member = over.*field.member;
  return base;
}

Result<Workload> preset(std::string_view name) {
  for (const Workload& workload : presets())
    if (workload.name == name) return workload;
  return fail("there is no workload {}: chat, server or batch", quote(name));
}

}  // namespace

std::span<const Workload> presets() {
  static const std::vector<Workload> all{
      {.name = "chat",
       .tokens_per_day = 20'000,
       .burst_tokens = 400,
       .hours_per_day = 2,
       .latency_seconds = 2},
      {.name = "server",
       .tokens_per_day = 100'000,
       .burst_tokens = 300,
       .hours_per_day = 24,
       .latency_seconds = 1},
      {.name = "batch", .tokens_per_day = 1'000'000, .burst_tokens = 1'000'000, .hours_per_day = 24},
  };
  return all;
}

std::span<const WorkloadField> workload_fields() {
  using R = WorkloadRequest;
  static constexpr std::array<WorkloadField, 6> kFields{{
      {"tokens_per_day", "--tokens-per-day", "N", "Tokens generated in a day", &R::tokens_per_day, 0, 1e12},
      {"busy_share", "--busy-share", "SHARE",
       "The same as the share of the time, 0 to 1, in which the fastest "
       "candidate works",
       &R::busy_share, 0, 1},
      {"burst_tokens", "--burst", "TOKENS", "Tokens generated between two pauses", &R::burst_tokens, 1, 1e12},
      {"prompt_tokens", "--prompt-tokens", "N", "Tokens read before each burst; 0 leaves prefill out",
       &R::prompt_tokens, 0, 1e9},
      {"hours_per_day", "--hours", "HOURS", "Hours a day in which the server is wanted", &R::hours_per_day,
       0.01, 24},
      {"latency_seconds", "--latency", "SECONDS", "The longest wait that may be added before an answer",
       &R::latency_seconds, 0, 1e6},
  }};
  return kFields;
}

Result<Workload> resolve(const WorkloadRequest& file, const WorkloadRequest& command_line,
                         std::span<const Candidate> candidates) {
  const bool replaced = command_line.preset.has_value();
  const WorkloadRequest figures = replaced ? command_line : merge(file, command_line);
  if (figures.tokens_per_day && figures.busy_share)
    return fail("a workload has tokens per day or a busy share, not both");
  TRY(Workload workload, preset((replaced ? command_line.preset : file.preset).value_or("server")));

  if (std::ranges::any_of(workload_fields(), [&](const auto& f) { return (figures.*f.member).has_value(); }))
    workload.name = "custom";
  workload.tokens_per_day = figures.tokens_per_day.value_or(workload.tokens_per_day);
  workload.burst_tokens = figures.burst_tokens.value_or(workload.burst_tokens);
  workload.prompt_tokens = figures.prompt_tokens.value_or(workload.prompt_tokens);
  workload.hours_per_day = figures.hours_per_day.value_or(workload.hours_per_day);
  if (figures.latency_seconds) workload.latency_seconds = figures.latency_seconds;
  if (figures.busy_share) {
    TRY(const auto all, options(candidates, workload));
    double fastest = 0;
    for (const Option& option : all) fastest = std::max(fastest, option.capacity());
    workload.tokens_per_day = *figures.busy_share * fastest;
  }
  return workload;
}

}  // namespace halcyon::report

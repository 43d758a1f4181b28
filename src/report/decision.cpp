#include "report/decision.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/advice_text.h"

namespace halcyon::report {
namespace {

std::string_view short_name(Strategy strategy) {
  return strategy == Strategy::per_burst ? "started per burst" : words_of(strategy);
}

}  // namespace

std::string Decision::name(const Option& option) const {
  return fmt::format("{}, {}", advice->candidates[option.candidate].name, short_name(option.strategy));
}

std::string_view Decision::mark(const Option& option) const {
  return is_estimated(advice->candidates[option.candidate]) ? "~" : "";
}

Decision decide(const Subjects& subjects) {
  Decision decision;
  std::vector<Candidate> candidates;
  for (size_t i = 0; i < subjects.size(); ++i) {
    Result<Candidate> candidate = candidate_from(subjects.measurements[i]);
    if (!candidate) {
      decision.problems.push_back(
          fmt::format("{} is left out: {}", subjects.names[i], candidate.error().message));
      continue;
    }
    candidate->name = subjects.names[i];
    candidates.push_back(*std::move(candidate));
    decision.subjects.push_back(i);
  }
  if (candidates.empty()) return decision;
  const auto server = std::ranges::find(presets(), "server", &Workload::name);
  // Versions are not compared: the page may be about another machine.
  Result<Advice> advice = advise(std::move(candidates), *server, {});
  if (advice)
    decision.advice = *std::move(advice);
  else
    decision.problems.push_back("no advice: " + advice.error().message);
  return decision;
}

}  // namespace halcyon::report

#include "bench/result.h"

#include <algorithm>
#include <cmath>

namespace halcyon::bench {
namespace {

double difference(const backend::Limit& a, const backend::Limit& b) {
  const double least = std::min(a.per_second, b.per_second);
  return least > 0 ? std::abs(a.per_second - b.per_second) / least : 0;
}

backend::Limit mean(const backend::Limit& a, const backend::Limit& b) {
  return {.per_second = (a.per_second + b.per_second) / 2,
          .how = a.per_second >= b.per_second ? a.how : b.how};
}

/// Seconds that the multiply-adds take at the limits.
double seconds_of_macs(const backend::StepWork& work, const backend::Limits& limits) {
  return work.int8_macs / limits.int8_macs.per_second +
         (work.float_macs + work.state_macs) / limits.float_macs.per_second;
}

}  // namespace

Statistics CaseResult::rates() const {
  std::vector<double> rates;
  rates.reserve(seconds.size());
  for (const double s : seconds) rates.push_back(n_tokens() / s);
  Statistics out = statistics(rates);
  out.median = n_tokens() / statistics(seconds).median;
  return out;
}

double CaseResult::cpu_seconds_per_token() const {
  return cpu_seconds / (n_tokens() * static_cast<double>(seconds.size()));
}

double CaseResult::bytes_per_second() const { return work.bytes() / statistics(seconds).median; }

double CaseResult::macs_per_second() const { return work.macs() / statistics(seconds).median; }

backend::Limits CaseResult::limits() const {
  if (!after) return before;
  backend::Limits out = {.read = mean(before.read, after->read),
                         .int8_macs = mean(before.int8_macs, after->int8_macs),
                         .float_macs = mean(before.float_macs, after->float_macs),
                         .bf16_macs = {}};
  if (before.bf16_macs && after->bf16_macs) out.bf16_macs = mean(*before.bf16_macs, *after->bf16_macs);
  return out;
}

double CaseResult::read_fraction() const { return bytes_per_second() / limits().read.per_second; }

double CaseResult::compute_fraction() const {
  return seconds_of_macs(work, limits()) / statistics(seconds).median;
}

double drift(const backend::Limits& a, const backend::Limits& b) {
  return std::max({difference(a.read, b.read), difference(a.int8_macs, b.int8_macs),
                   difference(a.float_macs, b.float_macs)});
}

bool is_unsteady(const CaseResult& result) {
  return result.after && drift(result.before, *result.after) > kMostDrift;
}

}  // namespace halcyon::bench

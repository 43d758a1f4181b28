#include "cli/sampling_options.h"

#include <charconv>
#include <cstdlib>
#include <limits>

#include "cli/numbers.h"

namespace halcyon::cli {
namespace {

/// "15043+2.5", "15043-inf"
std::pair<engine::Token, float> parse_logit_bias(const std::string& text) {
  std::pair<engine::Token, float> bias;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, bias.first);
  char* parsed = nullptr;
  if (error == std::errc() && (*rest == '+' || *rest == '-')) bias.second = std::strtof(rest, &parsed);
  if (parsed != end)
    throw CLI::ValidationError("--logit-bias", "'" + text + "' is not of the form ID+NUMBER or ID-NUMBER");
  return bias;
}

}  // namespace

void add_sampling_options(CLI::App& command, engine::SamplingParams& p) {
  constexpr float max = std::numeric_limits<float>::max();
  constexpr int32_t max_int = std::numeric_limits<int32_t>::max();
  const auto real = [&](const char* name, float& value, float low, float high, const char* help) {
    command.add_option(name, value, help)
        ->check(between(low, high))
        ->capture_default_str()
        ->group("Sampling");
  };
  const auto integer = [&](const char* name, int32_t& value, int32_t low, const char* help) {
    command.add_option(name, value, help)
        ->check(between(low, max_int))
        ->capture_default_str()
        ->group("Sampling");
  };
  real("--temp", p.temperature, 0, max, "Temperature; 0 takes the most likely token");
  integer("--top-k", p.top_k, 0, "Only the K most likely tokens; 0: all");
  real("--typical", p.typical_p, 0, 1, "Only the most typical tokens of probability P in total; 1: all");
  real("--top-p", p.top_p, 0, 1, "Only the most likely tokens of probability P in total; 1: all");
  real("--min-p", p.min_p, 0, 1, "Only tokens at least P times as likely as the best; 0: all");
  real("--repeat-penalty", p.repeat_penalty, std::numeric_limits<float>::min(), max,
       "Divides the logits of tokens seen; 1: off");
  integer("--repeat-last-n", p.repeat_last_n, -1, "Tokens back that the penalties see; -1: all");
  real("--presence-penalty", p.presence_penalty, -max, max, "Taken from the logit of each token seen");
  real("--frequency-penalty", p.frequency_penalty, -max, max, "Taken as often as the token was seen");
  real("--dry-multiplier", p.dry_multiplier, 0, max, "Strength of DRY, against repeated sequences; 0: off");
  real("--dry-base", p.dry_base, 1, max, "Growth of DRY's penalty for each token repeated");
  integer("--dry-allowed-length", p.dry_allowed_length, 0, "Repeated tokens that DRY lets pass");
  integer("--dry-penalty-last-n", p.dry_penalty_last_n, -1, "Tokens back that DRY sees; -1: all");
  command.add_option("--dry-sequence-breaker", p.dry_sequence_breakers, "Texts that end a sequence for DRY")
      ->allow_extra_args(false)
      ->group("Sampling");
  command
      .add_option_function<std::vector<std::string>>(
          "--logit-bias",
          [&p](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) p.logit_bias.push_back(parse_logit_bias(text));
          },
          "Adds to the logit of a token: ID+NUMBER or ID-NUMBER; ID-inf bans it")
      ->allow_extra_args(false)
      ->group("Sampling");
  command.add_option("--seed", p.seed, "Repeats what the same seed gave before (default: another each time)")
      ->check(between(uint64_t{0}, std::numeric_limits<uint64_t>::max()))
      ->group("Sampling");
}

}  // namespace halcyon::cli

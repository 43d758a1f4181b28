// The phases in which the server works.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/quote.h"
#include "measure/figures.h"
#include "measure/session.h"

namespace halcyon::measure {
namespace {

constexpr int kGenerated = 128;
constexpr int kPricedPrompt = 512;  ///< tokens of the prompts that joules per token are taken from

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

void add(std::string& note, const std::string& more) {
  if (!more.empty() && !note.contains(more)) note += (note.empty() ? "" : "; ") + more;
}

/// Joules, tokens and time of several windows.
struct Work {
  double joules = 0, tokens = 0, seconds = 0;

  std::optional<double> per_token() const {
    return tokens > 0 ? std::optional(joules / tokens) : std::nullopt;
  }
  std::optional<double> per_token_above(std::optional<double> idle_watts) const {
    return tokens > 0 && idle_watts ? std::optional((joules - *idle_watts * seconds) / tokens) : std::nullopt;
  }
};

}  // namespace

void Session::cold_generation() {
  const auto answer = ask("cold generation", prompt_maker_.story(), {.max_tokens = kGenerated});
  if (!answer) return;
  if (!answer->generation.refused.empty()) return failure("cold generation: " + answer->generation.refused);
  document_.throughput.decode.tokens = generated(answer->generation);
  document_.throughput.decode.cold_tps = decode_tps(answer->generation);
}

void Session::prompts() {
  if (!dialect_->tokenize("a")) {
    // How many tokens a word has, and what a chat template adds.
    for (const int words : {8, 64}) {
      const auto answer =
          ask("counting tokens", prompt_maker_.of_length(*dialect_, words), {.max_tokens = 1});
      if (over() || !answer) return;
      if (answer->generation.prompt_tokens)
        prompt_maker_.learn(*answer->generation.prompt_tokens + answer->generation.cached_tokens);
    }
  }
  const std::optional<int> context = dialect_->context();
  for (const int tokens : repetitions_.prompt_tokens) {
    if (over()) return;
    report::Rates rates;
    if (context && tokens >= *context) {
      rates.tokens = tokens;
      rates.note = fmt::format("not measured: the server's context has {} positions", *context);
    } else {
      rates = prompts_of(tokens);
    }
    document_.throughput.prefill.push_back(std::move(rates));
    observer_.changed(document_);
  }
}

report::Rates Session::prompts_of(int tokens) {
  report::Rates rates;
  rates.tokens = tokens;
  std::vector<double> server, counts;
  Work work;
  for (int i = 0; i < repetitions_.prompts && !over(); ++i) {
    observer_.tick(fmt::format("{} tokens, {} of {}", tokens, i + 1, repetitions_.prompts));
    const Prompt prompt = prompt_maker_.of_length(*dialect_, tokens);
    const auto answer = ask(fmt::format("prompt of {} tokens", tokens), prompt, {.max_tokens = 1});
    if (!answer) continue;
    const Generation& generation = answer->generation;
    if (!generation.refused.empty()) {
      add(rates.note, "refused: " + generation.refused);
      break;
    }
    if (generation.prompt_tokens) {
      counts.push_back(*generation.prompt_tokens);
      prompt_maker_.learn(*generation.prompt_tokens + generation.cached_tokens);
    } else {
      add(rates.note, "the server gives no usage: how many tokens the prompt had is not known");
    }
    if (generation.cached_tokens > 0)
      add(rates.note,
          fmt::format("{} tokens came from a cache, and are not counted", generation.cached_tokens));
    if (const auto tps = prefill_tps(generation)) rates.tps.push_back(*tps);
    if (generation.server_prefill_tps) server.push_back(*generation.server_prefill_tps);
    if (answer->prefill_joules && generation.prompt_tokens) {
      work.joules += *answer->prefill_joules;
      work.tokens += *generation.prompt_tokens;
      work.seconds += seconds_between(answer->samples.front().at, answer->first->at);
    }
  }
  if (stop_.stop_requested()) add(rates.note, "cancelled");
  rates.median_tps = median(rates.tps);
  rates.mean_tps = mean(rates.tps);
  rates.stddev_tps = stddev(rates.tps);
  rates.server_tps = median(server);
  add(rates.note, disagreement(rates.server_tps, rates.median_tps));
  if (!counts.empty() && std::ranges::any_of(counts, [&](double n) { return n != tokens; })) {
    const auto [least, most] = std::ranges::minmax(counts);
    add(rates.note, least == most ? fmt::format("{} tokens by the server's count", least)
                                  : fmt::format("{} to {} tokens by the server's count", least, most));
    const double middle = *median(counts);
    if (std::abs(middle - tokens) > 0.1 * tokens) rates.tokens = static_cast<int>(middle);
  }
  // Longer prompts cost more for each token; all protocols have those of 512, so figures can be compared.
  if (work.tokens > 0 && tokens <= kPricedPrompt) {
    document_.energy.j_per_token.prefill = work.per_token();
    document_.energy.j_per_token_above_idle.prefill = work.per_token_above(document_.energy.idle_watts);
  }
  return rates;
}

void Session::warm_generations() {
  report::Measurement::Throughput::Decode& decode = document_.throughput.decode;
  std::vector<double> server, counts, cpu;
  Work work;
  for (int i = 0; i < repetitions_.generations && !over(); ++i) {
    observer_.tick(fmt::format("{} tokens, {} of {}", kGenerated, i + 1, repetitions_.generations));
    const auto answer = ask("warm generation", prompt_maker_.story(), {.max_tokens = kGenerated});
    if (!answer) continue;
    const Generation& generation = answer->generation;
    if (!generation.refused.empty()) return failure("warm generation: " + generation.refused);
    if (const std::string lie = contradiction(generation, kGenerated); !lie.empty()) problem(lie);
    counts.push_back(generated(generation));
    if (const auto tps = decode_tps(generation))
      decode.warm.push_back(*tps);
    else if (generated(generation) > 1)
      problem("the server sends its answers in one piece: there is no telling how fast it generates");
    if (generation.server_decode_tps && generated(generation) > 1)
      server.push_back(*generation.server_decode_tps);
    if (!answer->first) continue;
    const Sample& first = *answer->first;
    const Sample& last = answer->samples.back();
    if (first.tree && last.tree) cpu.push_back(probe::usage_between(*first.tree, *last.tree).cpu_percent);
    if (!answer->decode_joules) continue;
    work.joules += *answer->decode_joules;
    work.tokens += generated(generation) - 1;  // the first one is the prompt's
    work.seconds += seconds_between(first.at, last.at);
  }
  if (const auto tokens = median(counts)) decode.tokens = static_cast<int>(*tokens);
  decode.warm_tps = median(decode.warm);
  decode.warm_mean_tps = mean(decode.warm);
  decode.warm_stddev_tps = stddev(decode.warm);
  decode.server_tps = median(server);
  decode.cpu_percent = mean(cpu);
  if (const std::string apart = disagreement(decode.server_tps, decode.warm_tps); !apart.empty())
    problem("generation: " + apart);
  if (decode.tokens > 0 && decode.tokens < kGenerated)
    problem(fmt::format("answers ended after {} of {} tokens", decode.tokens, kGenerated));
  document_.energy.j_per_token.decode = work.per_token();
  document_.energy.j_per_token_above_idle.decode = work.per_token_above(document_.energy.idle_watts);
  if (work.seconds > 0) document_.energy.active_watts = work.joules / work.seconds;
}

void Session::tasks() {
  for (const TaskPrompt& asked : task_prompts()) {
    if (over()) return;
    observer_.tick(asked.name);
    const int most = std::min(asked.max_tokens, repetitions_.task_tokens);
    report::Task task;
    task.name = asked.name;
    const Clock::time_point begin = Clock::now();
    const auto answer = ask(fmt::format("task {}", quote(asked.name)), prompt_maker_.with_text(asked.text),
                            {.max_tokens = most, .ignore_eos = false});
    task.seconds = seconds_between(begin, Clock::now());
    if (!answer) {
      task.error = answer.error().message;
    } else if (const Generation& generation = answer->generation; !generation.refused.empty()) {
      task.error = generation.refused;
    } else {
      task.prompt_tokens = generation.prompt_tokens.value_or(0);
      task.generated_tokens = generated(generation);
      task.prompt_tps = prefill_tps(generation);
      task.tps = decode_tps(generation);
      if (answer->prefill_joules && answer->decode_joules)
        task.joules = *answer->prefill_joules + *answer->decode_joules;
    }
    document_.tasks.push_back(std::move(task));
    observer_.changed(document_);
  }
}

}  // namespace halcyon::measure

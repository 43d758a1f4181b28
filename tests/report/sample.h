// A measurement with a value in every member.
#pragma once

#include "report/measurement.h"

namespace halcyon::test {

inline report::IdleWindow idle_window(double cpu_percent) {
  report::IdleWindow window;
  window.seconds = 15;
  window.cpu_percent = cpu_percent;
  window.wakeups_per_second = 3.5;
  window.rss_bytes = 476'053'504;
  window.watts = 17.25;
  window.gpu_busy_percent = 1;
  window.gpu_clock_mhz = 600;
  for (int second = 1; second <= 15; ++second) {
    const double sway = second % 2 == 0 ? 0.01 * cpu_percent : -0.01 * cpu_percent;
    window.series.push_back(
        {double(second), cpu_percent + sway, 3.5, 17.0 + 0.1 * second, 1.0, 476'053'504, 600});
  }
  window.threads.push_back({4711, 4713, "hsa-events", cpu_percent, 0.5});
  return window;
}

inline report::Measurement full_measurement() {
  report::Measurement m;
  m.id = "20260531-142233-1a2b";
  m.started_at = "2026-05-31T14:22:33Z";
  m.protocol = "full";
  m.complete = true;
  m.problems = {"the task \"short story\" was answered with HTTP 500"};
  m.target = {.name = "HIP",
              .url = "http://127.0.0.1:8081",
              .dialect = "llama-server",
              .model = "Qwen3-30B-A3B-Instruct-2507 Q4_K_M",
              .command = "llama-server -m model.gguf",
              .pid = 4711};
  m.versions = {{"kernel", "6.18.4"}, {"libhsa-runtime64.so.1", "1.18.0"}, {"server", "b4567"}};
  m.machine = {.cpu = "AMD Ryzen AI MAX+ 395",
               .cores = 32,
               .memory_bytes = 137'438'953'472,
               .gpus = {{"Radeon 8060S", 536'870'912, 103'079'215'104}}};
  m.memory = {.rss_before_load = 120'000'000,
              .rss_after_load = 476'053'504,
              .rss_peak = 612'000'000,
              .vram_used = 300'000'000,
              .gtt_used = 18'554'258'718};
  m.load_seconds = 27;
  m.idle = {.before = idle_window(0), .after_load = idle_window(254), .after_generation = idle_window(240)};
  m.throughput.prefill = {{.tokens = 512,
                           .tps = {340.5, 354.25, 367.5},
                           .median_tps = 354.25,
                           .mean_tps = 354.08,
                           .stddev_tps = 13.5,
                           .server_tps = 355,
                           .note = "the server and this clock disagree by 12 %"}};
  m.throughput.decode = {.tokens = 128,
                         .cold_tps = 36.06,
                         .warm_tps = 48.21,
                         .warm_mean_tps = 48.0,
                         .warm_stddev_tps = 1.25,
                         .warm = {46.5, 48.21, 49.25},
                         .server_tps = 48.5,
                         .cpu_percent = 65};
  m.energy = {.source = "amdgpu hwmon3 power1_average",
              .measured = true,
              .j_per_token = {.prefill = 0.15, .decode = 1.5},
              .j_per_token_above_idle = {.prefill = 0.12, .decode = 1.125},
              .idle_watts = 8.5,
              .active_watts = 58.5,
              .server_idle_watts = 10};
  m.burn = {.cause = "cpu_spin",
            .evidence = {"thread hsa-events ran 100 % of the time"},
            .advice = {"freeze it while it is idle"},
            .method = "perf events",
            .hot_ranges = {{"/opt/rocm/lib/libhsa-runtime64.so", 0x9ab00, 0x260, 0.97,
                            "rocr::core::Runtime::AsyncEventsLoop"}}};
  m.tasks = {{.name = "haiku",
              .prompt_tokens = 21,
              .generated_tokens = 256,
              .prompt_tps = 52.75,
              .tps = 13.93,
              .seconds = 18,
              .joules = 1234.5,
              .error = "the connection was closed after 200 tokens"}};
  return m;
}

}  // namespace halcyon::test

#include "bench/record.h"

#include <fmt/format.h>

#include <cmath>
#include <functional>
#include <optional>
#include <string>

#include "base/system.h"
#include "bench/build_info.h"

namespace halcyon::bench {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

int64_t in_ns(double seconds) { return std::llround(seconds * 1e9); }

/// One limit before and after the case, in units per second, and how it was reached.
void add_limit(Json& out, const std::string& name, const CaseResult& r,
               const std::function<std::optional<backend::Limit>(const backend::Limits&)>& find) {
  const std::optional<backend::Limit> before = find(r.before),
                                      after = r.after ? find(*r.after) : std::nullopt;
  out[name + "_limit_before"] = before ? Json(before->per_second) : Json(nullptr);
  out[name + "_limit_after"] = after ? Json(after->per_second) : Json(nullptr);
  out[name + "_limit_by"] = before ? Json(before->how) : Json(nullptr);
}

void add_llama_bench(Json& out, const CaseResult& r, const ModelFile& model, const Machine& machine) {
  const BuildInfo build = build_info();
  const bool is_prefill = r.what.kind == Case::Kind::prefill;
  const Statistics times = statistics(r.seconds), rates = r.rates();
  Json samples_ns = Json::array(), samples_ts = Json::array();
  for (const double s : r.seconds) {
    samples_ns.push_back(in_ns(s));
    samples_ts.push_back(r.n_tokens() / s);
  }
  out["build_commit"] = build.commit;
  out["build_number"] = build.number;
  out["cpu_info"] = machine.cpu;
  out["gpu_info"] = "";
  out["backends"] = "CPU";
  out["model_filename"] = model.path;
  out["model_type"] = model.type;
  out["model_size"] = model.summary.tensor_bytes;
  out["model_n_params"] = model.summary.n_params;
  out["n_batch"] = r.n_batch;
  out["n_ubatch"] = r.n_batch;
  out["n_threads"] = r.setup.threads;
  out["type_k"] = name_of(r.setup.kv);
  out["type_v"] = name_of(r.setup.kv);
  out["n_gpu_layers"] = 0;
  out["flash_attn"] = true;
  out["use_mmap"] = false;
  out["embeddings"] = false;
  out["n_prompt"] = is_prefill ? r.what.n_tokens : 0;
  out["n_gen"] = is_prefill ? 0 : r.what.n_tokens;
  out["n_depth"] = r.what.depth;
  out["test_time"] = r.started_at;
  out["avg_ns"] = in_ns(times.mean);
  out["stddev_ns"] = in_ns(times.deviation);
  out["avg_ts"] = rates.mean;
  out["stddev_ts"] = rates.deviation;
  out["samples_ns"] = std::move(samples_ns);
  out["samples_ts"] = std::move(samples_ts);
}

void add_measured(Json& out, const CaseResult& r) {
  out["n_parallel"] = r.what.n_parallel;
  out["isa"] = r.setup.isa;
  out["complete"] = r.is_complete;
  out["case"] = r.index + 1;
  out["n_cases"] = r.n_cases;
  out["attempts"] = r.attempts;
  out["unsteady"] = r.after ? Json(is_unsteady(r)) : Json(nullptr);
  out["load_ns"] = in_ns(r.load_seconds);
  out["cold_ns"] = in_ns(r.cold_seconds);
  out["cold_ts"] = r.cold_rate();
  out["cold_is_after_load"] = r.is_after_load;
  out["median_ns"] = in_ns(statistics(r.seconds).median);
  out["median_ts"] = r.rates().median;
  out["cpu_ms_per_token"] = r.cpu_seconds_per_token() * 1e3;
  out["peak_memory_bytes"] = or_null(r.peak_memory);
  out["joules_per_token"] = r.price ? Json(r.price->joules) : Json(nullptr);
  out["joules_per_token_above_idle"] = r.price ? or_null(r.price->above_idle) : Json(nullptr);
  out["energy_source"] = r.price ? Json(r.price->source) : Json(nullptr);
  out["energy_is_measured"] = r.price ? Json(r.price->is_measured) : Json(nullptr);
  out["logits_hash"] = fmt::format("{:016x}", r.logits_hash);
}

void add_roofline(Json& out, const CaseResult& r) {
  out["weight_bytes"] = r.work.weight_bytes;
  out["experts_expected"] = r.work.experts_expected;
  out["state_bytes"] = r.work.state_bytes;
  out["int8_macs"] = r.work.int8_macs;
  out["float_macs"] = r.work.float_macs;
  out["state_macs"] = r.work.state_macs;
  out["bytes_per_second"] = r.bytes_per_second();
  out["macs_per_second"] = r.macs_per_second();
  out["read_fraction"] = r.read_fraction();
  out["compute_fraction"] = r.compute_fraction();
  using backend::Limits;
  add_limit(out, "read", r, [](const Limits& limits) { return limits.read; });
  add_limit(out, "int8", r, [](const Limits& limits) { return limits.int8_macs; });
  add_limit(out, "float", r, [](const Limits& limits) { return limits.float_macs; });
  add_limit(out, "bf16", r, [](const Limits& limits) { return limits.bf16_macs; });
}

}  // namespace

Machine this_machine() { return {.cpu = cpu_name(), .kernel = kernel_name()}; }

Json to_record(const CaseResult& result, const ModelFile& model, const Machine& machine) {
  Json out = Json::object();
  add_llama_bench(out, result, model, machine);
  add_measured(out, result);
  add_roofline(out, result);
  out["kernel"] = machine.kernel;
  out["compiler"] = build_info().compiler;
  return out;
}

}  // namespace halcyon::bench

#include "backend/cpu/device.h"

#include "backend/cpu/executable.h"
#include "backend/cpu/measure_limits.h"
#include "base/system.h"

namespace halcyon::cpu {
namespace {

constexpr int32_t kMaxThreads = 1024;
constexpr int32_t kMaxBatch = 1 << 16;  // beyond any use; no size computed from it overflows

class CpuDevice final : public backend::Device {
 public:
  CpuDevice(Isa isa, int32_t threads, bool exact) : isa_(isa), exact_(exact) {
    info_ = {.name = cpu_name(),
             .driver = fmt::format("cpu {}", name_of(isa)),
             .memory = available_memory(),
             .threads = threads};
  }

  const backend::DeviceInfo& info() const override { return info_; }

  Result<backend::Limits> measure_limits(double seconds) override {
    TRY(const std::unique_ptr<ThreadTeam> team, ThreadTeam::create(info_.threads));
    return cpu::measure_limits(*kernels(isa_).limits, *team, seconds);
  }

  Result<std::unique_ptr<backend::Executable>> compile(program::Program program,
                                                       const backend::CompileOptions& options) override {
    if (options.n_ctx < 1 || options.n_seq < 1 || options.n_batch < 1 || options.n_outputs < 1)
      return fail("context, sequences, batch and outputs must be at least 1, they are {}, {}, {} and {}",
                  options.n_ctx, options.n_seq, options.n_batch, options.n_outputs);
    if (options.n_batch > kMaxBatch || options.n_outputs > kMaxBatch)
      return fail("steps of {} tokens with {} rows of logits: at most {} are possible", options.n_batch,
                  options.n_outputs, kMaxBatch);
    return Executable::create(std::move(program), options, kernels(isa_), info_.threads, exact_);
  }

 private:
  Isa isa_;
  bool exact_;
  backend::DeviceInfo info_;
};

}  // namespace

Result<std::unique_ptr<backend::Device>> create(const CpuOptions& options) {
  TRY(const Isa isa, options.isa ? find_isa(name_of(*options.isa)) : select_isa());
  if (options.threads < 0 || options.threads > kMaxThreads)
    return fail("{} threads: use 1 to {}, or 0 for one per core", options.threads, kMaxThreads);
  const int32_t threads = options.threads > 0 ? options.threads : available_cores();
  return std::make_unique<CpuDevice>(isa, threads, options.exact);
}

}  // namespace halcyon::cpu

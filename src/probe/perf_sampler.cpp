#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <thread>

#include "probe/sampler.h"

namespace halcyon::probe {
namespace {

/// Samples per second of CPU time; prime, so as not to keep step with a loop of the program.
constexpr uint64_t kFrequency = 499;

/// Of the ring between kernel and us, per thread. Two hold a second's samples, and so few keep many threads
/// within what an ordinary user may lock (kernel.perf_event_mlock_kb).
constexpr size_t kRingPages = 2;

constexpr std::chrono::milliseconds kReadEvery{100};

perf_event_attr attributes(bool with_kernel) {
  perf_event_attr attr{};
  attr.size = sizeof attr;
  // Time and not cycles: it is there in virtual machines too, and a share of time is what we want to know.
  attr.type = PERF_TYPE_SOFTWARE;
  attr.config = PERF_COUNT_SW_CPU_CLOCK;
  attr.freq = 1;
  attr.sample_freq = kFrequency;
  attr.sample_type = PERF_SAMPLE_IP;
  attr.exclude_kernel = !with_kernel;
  attr.exclude_hv = 1;
  return attr;
}

/// The events of one thread.
class Ring {
 public:
  /// Fails with an errno.
  static std::expected<std::unique_ptr<Ring>, int> open(pid_t tid, bool with_kernel) {
    perf_event_attr attr = attributes(with_kernel);
    const auto fd =
        static_cast<int>(::syscall(SYS_perf_event_open, &attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC));
    if (fd < 0) return std::unexpected(errno);
    const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    const size_t size = (1 + kRingPages) * page;
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
      const int error = errno == EPERM ? ENOBUFS : errno;  // more than may be locked
      ::close(fd);
      return std::unexpected(error);
    }
    return std::unique_ptr<Ring>(new Ring(fd, static_cast<std::byte*>(memory), size, page));
  }

  ~Ring() {
    ::munmap(memory_, size_);
    ::close(fd_);
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  /// Takes what is new.
  void read(Samples& samples) {
    auto* control = reinterpret_cast<perf_event_mmap_page*>(memory_);
    const uint64_t head = std::atomic_ref(control->data_head).load(std::memory_order_acquire);
    uint64_t tail = control->data_tail;
    while (head - tail >= sizeof(perf_event_header)) {
      const auto header = copy<perf_event_header>(tail);
      if (header.size < sizeof header || header.size > head - tail) break;
      if (header.type == PERF_RECORD_SAMPLE && header.size >= sizeof header + sizeof(uint64_t)) {
        const uint16_t mode = header.misc & PERF_RECORD_MISC_CPUMODE_MASK;
        if (mode == PERF_RECORD_MISC_USER) samples.addresses.push_back(copy<uint64_t>(tail + sizeof header));
        if (mode == PERF_RECORD_MISC_KERNEL) samples.in_kernel++;
      }
      tail += header.size;
    }
    std::atomic_ref(control->data_tail).store(head, std::memory_order_release);
  }

 private:
  Ring(int fd, std::byte* memory, size_t size, size_t page)
      : fd_(fd), memory_(memory), size_(size), data_(memory + page), data_size_(size - page) {}

  template <class T>
  T copy(uint64_t position) const {  // records wrap around at the end
    std::array<std::byte, sizeof(T)> bytes;
    for (size_t i = 0; i < bytes.size(); i++) bytes[i] = data_[(position + i) % data_size_];
    return std::bit_cast<T>(bytes);
  }

  int fd_;
  std::byte* memory_;
  size_t size_;
  std::byte* data_;
  size_t data_size_;
};

}  // namespace

std::string perf_refusal(int error, const SystemRoot& root) {
  const auto paranoid = root.number("/proc/sys/kernel/perf_event_paranoid");
  if (!paranoid || error == ENOSYS) return "this kernel has no perf events";
  if ((error == EACCES || error == EPERM) && *paranoid > 2)
    return fmt::format(
        "kernel.perf_event_paranoid is {}; sudo sysctl kernel.perf_event_paranoid=2 allows them", *paranoid);
  if (error == EACCES || error == EPERM)
    return "refused: another user's process, or a container that forbids them; sudo or CAP_PERFMON allows "
           "them";
  if (error == ENOBUFS) return "too many threads for kernel.perf_event_mlock_kb";
  return std::generic_category().message(error);
}

Result<Samples> sample_by_perf_events(const std::vector<pid_t>& tids, std::chrono::milliseconds duration,
                                      const std::stop_token& stop) {
  Samples samples;
  std::vector<std::unique_ptr<Ring>> rings;
  int error = 0;
  for (const pid_t tid : tids) {
    auto ring = Ring::open(tid, !samples.kernel_hidden);
    if (!ring && (ring.error() == EACCES || ring.error() == EPERM) && !samples.kernel_hidden) {
      samples.kernel_hidden = true;
      ring = Ring::open(tid, false);
    }
    if (ring)
      rings.push_back(std::move(*ring));
    else if (ring.error() != ESRCH)  // a thread that has ended is none to sample
      error = ring.error();
  }
  if (error != 0) return fail("{}", perf_refusal(error));

  const auto end = std::chrono::steady_clock::now() + duration;
  for (auto now = end - duration; now < end && !stop.stop_requested();
       now = std::chrono::steady_clock::now()) {
    std::this_thread::sleep_until(std::min(end, now + kReadEvery));
    for (const auto& ring : rings) ring->read(samples);
  }
  return samples;
}

}  // namespace halcyon::probe

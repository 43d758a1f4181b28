#include "probe/hot_ranges.h"

#include <algorithm>
#include <functional>
#include <map>
#include <tuple>

#include "probe/address_map.h"
#include "probe/sampler.h"
#include "probe/symbols.h"

namespace halcyon::probe {
namespace {

/// Without a symbol, samples this close to each other are taken for one loop.
constexpr uint64_t kSameLoop = 256;

/// What samples have in common that are one range.
struct Place {
  std::string object{};
  std::string symbol{};
  uint64_t function = 0;  ///< address of the symbol: static functions may have the same name
  uint64_t offset = 0;
};

/// Says which object and function an address is in. Files are read once.
class Resolver {
 public:
  /// `mappings`: before and after the samples were taken, since libraries come and go.
  Resolver(pid_t pid, std::vector<Mapping> mappings) : pid_(pid), mappings_(std::move(mappings)) {}

  Place operator()(uint64_t address) {
    const auto mapping =
        std::ranges::find_if(mappings_, [&](const Mapping& m) { return m.contains(address); });
    if (mapping == mappings_.end()) return {.object = "[anonymous]", .offset = address};
    const uint64_t offset = address - mapping->begin + mapping->offset;
    if (mapping->inode == 0)
      return {.object = mapping->path.starts_with('[') ? mapping->path : "[anonymous]", .offset = offset};
    const auto function = symbols_of(*mapping).at(offset);
    if (!function) return {.object = mapping->path, .offset = offset};
    return {mapping->path, demangled(function->name), function->address, offset};
  }

 private:
  const Symbols& symbols_of(const Mapping& mapping) {
    const auto [known, is_new] = symbols_.try_emplace(mapping.path);
    if (!is_new) return known->second;
    if (const int fd = open_mapped_file(pid_, mapping); fd >= 0) known->second = Symbols(fd);
    return known->second;
  }

  pid_t pid_;
  std::vector<Mapping> mappings_;
  std::map<std::string, Symbols> symbols_;  ///< by path
};

struct Counted {
  HotRange range;
  size_t samples = 0;
};

/// Puts places of one function, or without a symbol those of one neighbourhood, into one range.
std::vector<Counted> ranges_of(std::vector<Place> places) {
  std::ranges::sort(places, {},
                    [](const Place& p) { return std::tie(p.object, p.symbol, p.function, p.offset); });
  std::vector<Counted> ranges;
  const Place* last = nullptr;
  for (const Place& place : places) {
    const bool joins = last && last->object == place.object && last->symbol == place.symbol &&
                       last->function == place.function &&
                       (!place.symbol.empty() || place.offset - last->offset <= kSameLoop);
    if (!joins) ranges.push_back({{.object = place.object, .offset = place.offset, .symbol = place.symbol}});
    ranges.back().range.size = place.offset - ranges.back().range.offset + 1;
    ranges.back().samples++;
    last = &place;
  }
  return ranges;
}

}  // namespace

Result<HotRanges> sample_hot_ranges(pid_t pid, const std::vector<pid_t>& tids,
                                    std::chrono::milliseconds duration, SampleMethod method,
                                    const std::stop_token& stop) {
  HotRanges hot;
  hot.method = "perf events";
  TRY(std::vector<Mapping> mappings, executable_mappings(pid));
  Result<Samples> samples;
  if (method != SampleMethod::ptrace) samples = sample_by_perf_events(tids, duration, stop);
  if (!samples && method == SampleMethod::perf_events)
    return fail("process {} can't be sampled with perf events: {}", pid, samples.error().message);
  if (!samples || method == SampleMethod::ptrace) {
    hot.method = "ptrace";
    if (!samples) hot.note = "perf events: " + samples.error().message;
    samples = sample_by_ptrace(pid, tids, duration, stop);
    if (!samples)
      return fail("process {} can't be sampled: {}{}{}", pid, hot.note,
                  hot.note.empty() ? "" : "; ptrace: ", samples.error().message);
  }
  if (samples->kernel_hidden)
    hot.note = "time inside the kernel is not seen: sudo, or sysctl kernel.perf_event_paranoid=1, allows it";
  hot.stopped = samples->stopped;
  hot.samples = samples->addresses.size() + samples->in_kernel;
  if (hot.samples == 0) return hot;

  if (auto after = executable_mappings(pid)) mappings.insert(mappings.end(), after->begin(), after->end());
  Resolver resolve(pid, std::move(mappings));
  std::vector<Place> places;
  for (const uint64_t address : samples->addresses) places.push_back(resolve(address));
  auto ranges = ranges_of(std::move(places));
  if (samples->in_kernel > 0) ranges.push_back({{.object = "[kernel]"}, samples->in_kernel});
  std::ranges::stable_sort(ranges, std::greater{}, &Counted::samples);
  for (auto& [range, count] : ranges) {
    range.share = static_cast<double>(count) / static_cast<double>(hot.samples);
    hot.ranges.push_back(std::move(range));
  }
  return hot;
}

}  // namespace halcyon::probe

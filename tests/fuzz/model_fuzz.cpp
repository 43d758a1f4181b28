// Models from hostile GGUF headers: read, build, print and plan. Zeros follow the header for as long as
// anyone reads, so that the corpus needs no tensor data.
#include <algorithm>
#include <cstring>

#include "model/model.h"
#include "program/planner.h"

namespace {

using namespace halcyon;

class HeaderSource final : public ByteSource {
 public:
  explicit HeaderSource(std::span<const std::byte> header) : header_(header) {}
  const std::string& name() const override { return name_; }
  uint64_t size() const override { return uint64_t{1} << 40; }
  Result<void> read(uint64_t offset, std::span<std::byte> out) const override {
    if (offset > size() || out.size() > size() - offset) return fail("{}: past the end", name_);
    const size_t start = std::min<uint64_t>(offset, header_.size());
    const size_t n = std::min(out.size(), header_.size() - start);
    std::memcpy(out.data(), header_.data() + start, n);
    std::ranges::fill(out.subspan(n), std::byte{0});
    return {};
  }

 private:
  std::string name_ = "fuzz";
  std::span<const std::byte> header_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = gguf::File::parse(std::make_shared<HeaderSource>(std::as_bytes(std::span(data, size))));
  if (!file) return 0;
  const auto built = model::build(*file, 512);
  if (!built) return 0;
  (void)program::to_string(built->program);
  (void)program::plan(built->program, 32, 1);
  return 0;
}

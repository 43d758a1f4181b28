#include <new>

#include "base/quote.h"
#include "gguf/gguf.h"
#include "gguf/layout.h"
#include "gguf/reader.h"

namespace halcyon::gguf {
namespace {

/// Which part of a split model a file is: number `no`, from 0, of `count`.
struct Part {
  uint32_t no = 0, count = 1;
};

Result<Part> part_of(const Metadata& metadata) {
  TRY(const uint32_t no, metadata.u32_or("split.no", 0));
  TRY(const uint32_t count, metadata.u32_or("split.count", 1));
  if (no > 0 && no >= count) return fail("split.no is {}, but split.count is {}", no, count);
  return Part{no, count};
}

template <class Read>
Result<File> without_exceptions(const std::string& name, Read read) {
  try {
    auto file = read();
    if (!file) return std::unexpected(std::move(file.error()).in(name));
    return file;
  } catch (const std::bad_alloc&) {
    return fail("{}: not enough memory for what its header holds", name);
  }
}

}  // namespace

const Tensor* File::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

uint64_t File::size() const {
  uint64_t bytes = 0;
  for (const auto& source : sources_) bytes += source->size();
  return bytes;
}

Result<File> File::parse(std::shared_ptr<const ByteSource> source) {
  return without_exceptions(source->name(), [&]() -> Result<File> {
    TRY(Shard shard, read_shard(source));
    TRY(const Part part, part_of(shard.metadata));
    if (part.count > 1) return fail("a split model of {} parts, which is only read from files", part.count);
    File file;
    CHECK_OK(file.add(std::move(shard)));
    return file;
  });
}

Result<File> File::open(const std::string& path) {
  TRY(auto source, open_file(path));
  return without_exceptions(path, [&]() -> Result<File> {
    TRY(Shard first, read_shard(source));
    TRY(const Part part, part_of(first.metadata));
    if (part.no > 0)
      return fail("part {} of {} of a split model: open the first one", part.no + 1, part.count);
    File file;
    CHECK_OK(file.add(std::move(first)));
    if (part.count > 1) CHECK_OK(file.add_parts(path, part.count));
    return file;
  });
}

Result<void> File::add(Shard shard) {
  for (Tensor& tensor : shard.tensors) {
    if (!index_.try_emplace(tensor.name, tensors_.size()).second)
      return fail("tensor {} occurs twice", quote(tensor.name));
    tensors_.push_back(std::move(tensor));
  }
  if (sources_.empty()) {
    version_ = shard.version;
    metadata_ = std::move(shard.metadata);
  }
  sources_.push_back(std::move(shard.source));
  return {};
}

Result<void> File::add_parts(const std::string& first_path, uint32_t count) {
  const std::string suffix = part_path("", 0, count);
  if (!first_path.ends_with(suffix))
    return fail("the first of {} parts, so its name must end in {}", count, suffix);
  const std::string prefix = first_path.substr(0, first_path.size() - suffix.size());
  for (uint32_t no = 1; no < count; ++no) {
    TRY(auto source, open_file(part_path(prefix, no, count)));
    const auto add_part = [&]() -> Result<void> {
      TRY(Shard shard, read_shard(source));
      TRY(const Part part, part_of(shard.metadata));
      if (part.no != no || part.count != count)
        return fail("says it is part {} of {}, expected {} of {}", part.no + 1, part.count, no + 1, count);
      return add(std::move(shard));
    };
    if (auto added = add_part(); !added) return std::unexpected(std::move(added.error()).in(source->name()));
  }
  TRY(const uint32_t n_tensors, metadata_.u32("split.tensors.count"));
  if (tensors_.size() != n_tensors)
    return fail("{} tensors in all parts, but split.tensors.count is {}", tensors_.size(), n_tensors);
  return {};
}

}  // namespace halcyon::gguf

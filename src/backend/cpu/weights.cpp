#include "backend/cpu/weights.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>

#include "base/system.h"
#include "quant/type.h"

namespace halcyon::cpu {
namespace {

using program::Weight;
using program::WeightId;

constexpr int64_t kReadAtOnce =
    1 << 20;  // bytes: several tiles per system call, and still in the cache when packed

enum class Use { none, matrix, values };

/// What each weight is needed for, told by the ops.
struct Uses {
  std::vector<Use> uses;
  WeightId matrix = program::none;  // of the op being visited

  void in(int32_t) {}
  void out(int32_t) {}
  void attribute(std::string_view, auto) {}
  void weight(WeightId id) {
    if (id == program::none) return;
    Use& use = uses[static_cast<size_t>(id)];
    if (id == matrix)
      use = Use::matrix;
    else if (use == Use::none)
      use = Use::values;
  }
};

std::vector<Use> uses_of(const program::Program& program) {
  Uses visitor{std::vector<Use>(program.weights.size(), Use::none)};
  for (const program::Op& op : program.ops) {
    std::visit(
        [&](const auto& o) {
          using T = std::decay_t<decltype(o)>;
          if constexpr (std::is_same_v<T, program::Embed>) return;
          if constexpr (std::is_same_v<T, program::MatMul> || std::is_same_v<T, program::MoeMatMul>)
            visitor.matrix = o.weight;
          else
            visitor.matrix = program::none;
          o.visit(visitor);
        },
        op);
  }
  return visitor.uses;
}

Result<Matrix> shape_of(const Weight& w, bool exact) {
  Matrix m;
  m.packing = find_packing(w.type);
  if (!m.packing) return fail("{}: the CPU backend has no kernel for {}", w.name, quant::name_of(w.type));
  if (exact && m.packing->quantized) m.packing = find_packing(quant::Type::f32);
  m.n_in = w.ne[0], m.n_out = w.ne[1], m.n_stack = w.ne[2];
  m.n_tiles = (m.n_out + kTileRows - 1) / kTileRows;
  m.tile_bytes = m.packing->tile_bytes(m.n_in);
  return m;
}

/// Reads the rows of tile after tile, [first, last) of the whole stack, and packs them.
Result<void> pack_tiles(const Weight& w, const Matrix& m, uint8_t* out, int64_t first, int64_t last) {
  const auto row_bytes = static_cast<int64_t>(quant::row_bytes(w.type, m.n_in));
  const int64_t tiles_at_once = std::max<int64_t>(1, kReadAtOnce / (row_bytes * kTileRows));
  const bool decode = m.packing->type != w.type;
  std::vector<std::byte> rows(static_cast<size_t>(tiles_at_once * kTileRows * row_bytes));
  std::vector<float> decoded(decode ? static_cast<size_t>(kTileRows * m.n_in) : 0);
  while (first < last) {
    const int64_t of_matrix = first % m.n_tiles;
    const int64_t n = std::min({tiles_at_once, last - first, m.n_tiles - of_matrix});
    const int64_t n_rows = std::min(n * kTileRows, m.n_out - of_matrix * kTileRows);
    const int64_t row = first / m.n_tiles * m.n_out + of_matrix * kTileRows;
    const auto bytes = std::span(rows).first(static_cast<size_t>(n_rows * row_bytes));
    CHECK_OK(w.source->read(w.offset + static_cast<uint64_t>(row * row_bytes), bytes));
    for (int64_t i = 0; i < n; ++i) {
      const int in_tile = static_cast<int>(std::min<int64_t>(kTileRows, n_rows - i * kTileRows));
      const std::byte* src = rows.data() + i * kTileRows * row_bytes;
      if (decode) {
        quant::traits(w.type).decode(src, decoded.data(), static_cast<size_t>(in_tile * m.n_in));
        src = reinterpret_cast<const std::byte*>(decoded.data());
      }
      m.packing->pack_tile(reinterpret_cast<const uint8_t*>(src), in_tile, m.n_in,
                           out + (first + i) * m.tile_bytes);
    }
    first += n;
  }
  return {};
}

Result<std::vector<float>> read_values(const Weight& w) {
  const quant::Decoder decode = quant::traits(w.type).decode;
  if (!decode)
    return fail("{}: Halcyon can list {} tensors but not run them", w.name, quant::name_of(w.type));
  std::vector<std::byte> bytes(w.size);
  CHECK_OK(w.source->read(w.offset, bytes));
  std::vector<float> values(static_cast<size_t>(w.ne[0] * w.ne[1] * w.ne[2] * w.ne[3]));
  decode(bytes.data(), values.data(), values.size());
  return values;
}

}  // namespace

Result<Weights> Weights::load(const program::Program& program, bool exact, ThreadTeam& team,
                              const std::function<void(double)>& progress) {
  Weights out;
  const std::vector<Use> uses = uses_of(program);
  out.matrices_.resize(uses.size());
  out.values_.resize(uses.size());
  uint64_t total = 0;
  for (size_t i = 0; i < uses.size(); ++i) {
    if (uses[i] != Use::matrix) continue;
    TRY(out.matrices_[i], shape_of(program.weights[i], exact));
    const Matrix& m = out.matrices_[i];
    total += static_cast<uint64_t>(m.bytes() * m.n_stack + 63) / 64 * 64;
  }
  const uint64_t available = available_memory();
  if (total > available)
    return fail(
        "the weights need {} MB of memory and {} MB are available: free some, or take a smaller quantisation",
        total >> 20, available >> 20);
  Result<Pages> pages = Pages::reserve_huge(total);
  if (!pages) return fail("no memory for {} MB of weights: {}", total >> 20, pages.error().message);
  out.pages_ = std::move(*pages);

  auto* at = reinterpret_cast<uint8_t*>(out.pages_.data());
  uint64_t done = 0;
  for (size_t i = 0; i < uses.size(); ++i) {
    const Weight& w = program.weights[i];
    if (uses[i] == Use::values) {
      TRY(out.values_[i], read_values(w));
    } else if (uses[i] == Use::matrix) {
      Matrix& m = out.matrices_[i];
      m.tiles = at;
      Result<void> result;
      std::mutex mutex;
      std::atomic<bool> no_memory = false;
      team.run([&](Part part) {
        try {
          const auto [first, last] = part.of(m.n_tiles * m.n_stack);
          Result<void> mine = pack_tiles(w, m, at, first, last);
          const std::lock_guard lock(mutex);
          if (!mine && result) result = std::move(mine);
        } catch (const std::bad_alloc&) {  // nothing may be thrown out of a thread of the team
          no_memory = true;
        }
      });
      if (no_memory) return fail("{}: no memory to read rows of {} elements", w.name, m.n_in);
      if (!result) return fail("{}: {}", w.name, result.error().message);
      const uint64_t bytes = static_cast<uint64_t>(m.bytes() * m.n_stack + 63) / 64 * 64;
      at += bytes;
      done += bytes;
      if (progress) progress(static_cast<double>(done) / static_cast<double>(total));
    }
  }
  return out;
}

}  // namespace halcyon::cpu

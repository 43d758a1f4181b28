#include "backend/cpu/bind.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "backend/cpu/barriers.h"
#include "backend/cpu/dealer.h"
#include "program/planner.h"

namespace halcyon::cpu {
namespace {

using namespace halcyon::program;  // NOLINT(google-build-using-namespace): the ops, one by one

Range range_of(const void* p, size_t bytes) {
  const auto* begin = static_cast<const std::byte*>(p);
  return {begin, begin + bytes};
}

/// cos and sin of every angle of one table in a step: [n_batch, pairs] each.
struct Angles {
  std::vector<float> cos, sin;
};

/// The (token, slot) pairs of a step, sorted by the expert they chose. A pair is token * n_used + slot.
struct ExpertGroups {
  std::vector<int32_t> first;   ///< [n_expert + 1] where each expert's pairs begin
  std::vector<int32_t> pairs;   ///< [n_batch * n_used]
  std::vector<int32_t> tokens;  ///< [n_batch * n_used] the token of each pair

  void group(const int32_t* ids, int64_t n_tokens, int64_t n_used) {
    std::fill(first.begin(), first.end(), 0);
    const int64_t n = n_tokens * n_used;
    for (int64_t i = 0; i < n; ++i) ++first[static_cast<size_t>(ids[i]) + 1];
    for (size_t e = 1; e < first.size(); ++e) first[e] += first[e - 1];
    // `first` is used as the place of the next pair, and is one expert further along afterwards.
    for (int64_t i = 0; i < n; ++i) {
      const auto at = static_cast<size_t>(first[static_cast<size_t>(ids[i])]++);
      pairs[at] = static_cast<int32_t>(i);
      tokens[at] = static_cast<int32_t>(i / n_used);
    }
    for (size_t e = first.size() - 1; e > 0; --e) first[e] = first[e - 1];
    first[0] = 0;
  }
};

/// How the tiles of a matrix are divided: into pieces of whole groups of kTilesTogether. For one column they
/// are longer: those are read faster, and their products take less time.
struct Pieces {
  int64_t n_tiles, count;

  Pieces(int64_t n_tiles_, int64_t n_columns, int32_t n_threads) : n_tiles(n_tiles_) {
    const int64_t per_thread = n_threads == 1 ? 1 : n_columns == 1 ? 4 : 8;
    count = std::min<int64_t>(groups(), per_thread * n_threads);
  }
  int64_t groups() const { return (n_tiles + kTilesTogether - 1) / kTilesTogether; }
  int64_t first_tile(int64_t piece) const {
    return std::min(n_tiles, groups() * piece / count * kTilesTogether);
  }
};

/// Runs `run(i)` with `task` set to piece i of a matrix, one after the other, until the threads have
/// had them all.
template <class Run>
void deal_tiles(Dealer& dealer, MatMulTask& task, const Pieces& pieces, Part part, const Run& run) {
  dealer.deal(pieces.count, part, [&](int64_t i) {
    task.first_tile = pieces.first_tile(i);
    task.last_tile = pieces.first_tile(i + 1);
    run(i);
  });
}

/// What a thread reads after piece i of its own share: the piece behind it, or the first of its share of the
/// next product's matrix (nullptr: that is not known).
void find_next(MatMulTask& task, const Pieces& pieces, int64_t i, const Matrix* next, Part part) {
  const auto set = [&task](const uint8_t* tiles, int64_t tile_bytes, const Pieces& of, int64_t piece) {
    const int64_t first = of.first_tile(piece);
    task.next_tiles = tiles + first * tile_bytes;
    task.next_bytes = (of.first_tile(piece + 1) - first) * tile_bytes;
  };
  const auto mine = part.of(pieces.count);
  task.next_tiles = nullptr;
  if (i < mine.begin || i >= mine.end) return;  // what another thread has left
  if (i + 1 < mine.end) {
    set(task.tiles, task.tile_bytes, pieces, i + 1);
  } else if (next) {
    const Pieces of_next(next->n_tiles, task.n_columns, part.count);
    set(next->tiles, next->tile_bytes, of_next, part.of(of_next.count).begin);
  }
}

class Binder {
 public:
  Binder(const Program& program, const backend::CompileOptions& options, const Kernels& kernels,
         const Weights& weights, const CpuMemory& memory, int32_t n_threads)
      : program_(program),
        options_(options),
        kernels_(kernels),
        weights_(weights),
        memory_(memory),
        n_threads_(n_threads) {}

  Result<Binding> bind() {
    find_quantized_values();
    Program placed = program_;  // a value's int8 form lies right behind it, so its slot is that much wider
    for (size_t v = 0; v < placed.values.size(); ++v)
      if (quantized_[v] != 0) placed.values[v].width += quantized_bytes(static_cast<ValueId>(v)) / 4 + 16;
    plan_ = plan(placed, options_.n_batch, options_.n_outputs);
    Result<Pages> arena = Pages::reserve(plan_.size);
    if (!arena)
      return fail("no memory for {} MB of values in steps of {} tokens: {}", plan_.size >> 20,
                  options_.n_batch, arena.error().message);
    out_.arena = std::move(*arena);
    bind_angles();
    for (op_ = 0; op_ < program_.ops.size(); ++op_)
      std::visit([this](const auto& o) { bind_op(o); }, program_.ops[op_]);
    if (!error_.empty()) return std::unexpected(Error{std::move(error_)});
    out_.logits = at(program_.logits);
    if (program_.hidden != program::none) out_.hidden = at(program_.hidden);
    return std::move(out_);
  }

 private:
  // ---- values
  // -------------------------------------------------------------------------------------------------

  int64_t width(ValueId v) const { return program_.values[static_cast<size_t>(v)].width; }
  bool is_output(ValueId v) const { return program_.values[static_cast<size_t>(v)].rows == Rows::outputs; }
  int64_t max_rows(ValueId v) const { return is_output(v) ? options_.n_outputs : options_.n_batch; }

  float* at(ValueId v) const {
    return reinterpret_cast<float*>(out_.arena.data() + plan_.offset[static_cast<size_t>(v)]);
  }
  /// Bytes of the int8 form of a row of a value.
  int64_t quantized_bytes(ValueId v) const {
    const int64_t n = quantized_[static_cast<size_t>(v)];
    return width(v) / n * quantized_row_bytes(n);
  }
  /// The int8 form of a value: rows of QuantizedGroups.
  std::byte* quantized_at(ValueId v) const {
    const auto bytes = static_cast<uint64_t>(max_rows(v) * width(v)) * sizeof(float);
    return reinterpret_cast<std::byte*>(at(v)) + (bytes + 63) / 64 * 64;
  }
  Range range(ValueId v) const {
    return range_of(at(v), static_cast<size_t>(max_rows(v) * width(v)) * sizeof(float));
  }
  Range quantized_range(ValueId v) const {
    return range_of(quantized_at(v), static_cast<size_t>(max_rows(v) * quantized_bytes(v)));
  }

  /// How many rows a value has in a step.
  auto rows(ValueId v) const {
    return [outputs = is_output(v)](const Step& step) -> int64_t {
      return outputs ? step.n_outputs : step.n_tokens;
    };
  }

  // ---- calls
  // --------------------------------------------------------------------------------------------------

  /// Appends a call, with a barrier before it if it needs one.
  void call(std::vector<Range> reads, std::vector<Range> writes, std::function<void(const Step&, Part)> run,
            Division division = {}) {
    const bool barrier = barriers_.before(std::move(reads), std::move(writes), division);
    out_.calls.push_back({std::move(run), barrier});
  }

  Division division(ValueId x, int64_t units) const { return {units, is_output(x)}; }

  void find_quantized_values() {
    quantized_.assign(program_.values.size(), 0);
    const auto mark = [this](ValueId x, WeightId w) {
      const Matrix& m = weights_.matrix(w);
      if (!m.packing->quantized) return;
      int64_t& n_in = quantized_[static_cast<size_t>(x)];
      if (n_in != 0 && n_in != m.n_in)
        error_ = fmt::format("{} is multiplied as rows of {} and of {}: the CPU backend does one of them",
                             program_.values[static_cast<size_t>(x)].name, n_in, m.n_in);
      n_in = m.n_in;
    };
    for (const Op& op : program_.ops) {
      if (const auto* dense = std::get_if<MatMul>(&op)) mark(dense->x, dense->weight);
      if (const auto* moe = std::get_if<MoeMatMul>(&op)) mark(moe->x, moe->weight);
    }
    is_quantized_.assign(quantized_.size(), false);
  }

  /// Rows of `n_in` elements for the products of a matrix with x; x is quantised by the first product that
  /// needs it.
  struct Columns {
    const std::byte* data;
    int64_t stride;
    Range range;
  };
  Columns columns(ValueId x, const Matrix& m) {
    if (!m.packing->quantized)
      return {reinterpret_cast<const std::byte*>(at(x)), m.n_in * static_cast<int64_t>(sizeof(float)),
              range(x)};
    if (!is_quantized_[static_cast<size_t>(x)]) {
      is_quantized_[static_cast<size_t>(x)] = true;
      quantize(x, m.n_in);
    }
    return {quantized_at(x), quantized_row_bytes(m.n_in), quantized_range(x)};
  }

  /// Makes the int8 form of x: rows of n elements. The work is divided as that of the call which wrote x, if
  /// there was no barrier since: then none is needed.
  void quantize(ValueId x, int64_t n) {
    const int64_t groups = n / 32, all_groups = width(x) / 32;
    const Division writer = barriers_.of_writer(range(x));
    const bool follows =
        writer.units > 0 && writer.of_outputs == is_output(x) && all_groups % writer.units == 0;
    const int64_t units = follows ? writer.units : all_groups, at_once = all_groups / units;
    call(
        {range(x)}, {quantized_range(x)},
        [k = &kernels_, src = at(x), dst = quantized_at(x), groups, units, at_once, rows = rows(x)](
            const Step& step, Part part) {
          const auto [begin, end] = part.of(rows(step) * units);
          for (int64_t g = begin * at_once, last = end * at_once; g < last;) {
            const int64_t in_row = g % groups, count = std::min(last - g, groups - in_row);
            k->quantize_row(src + g * 32, count * 32,
                            dst + g / groups * quantized_row_bytes(groups * 32) +
                                in_row * static_cast<int64_t>(sizeof(QuantizedGroup)));
            g += count;
          }
        },
        division(x, units));
  }

  /// n groups of `size` elements in each row of x, one after the other: f(index of the group over all rows).
  template <class F>
  void for_groups(ValueId x, int64_t size, std::vector<Range> reads, std::vector<Range> writes, const F& f) {
    const int64_t groups = width(x) / size;
    call(
        std::move(reads), std::move(writes),
        [f, rows = rows(x), groups](const Step& step, Part part) {
          const auto [begin, end] = part.of(rows(step) * groups);
          for (int64_t g = begin; g < end; ++g) f(g);
        },
        division(x, groups));
  }

  /// Elements of x by themselves: f(first, count). `whole_rows`: what comes next wants rows of a thread
  /// whole.
  template <class F>
  void for_elements(ValueId x, bool whole_rows, std::vector<Range> reads, std::vector<Range> writes, F f) {
    const int64_t n = !whole_rows && width(x) % 32 == 0 ? 32 : width(x), units = width(x) / n;
    call(
        std::move(reads), std::move(writes),
        [f, rows = rows(x), n, units](const Step& step, Part part) {
          const auto [begin, end] = part.of(rows(step) * units);
          if (begin < end) f(begin * n, (end - begin) * n);
        },
        division(x, units));
  }

  // ---- ops, in the order of program/ops.h
  // -----------------------------------------------------------------------

  void bind_op(const Embed& op) {
    auto rows = std::make_unique<EmbeddingRows>();
    const Weight& table = program_.weights[static_cast<size_t>(op.table)];
    rows->table = &table;
    rows->row_bytes = quant::row_bytes(table.type, table.ne[0]);
    rows->rows.resize(rows->row_bytes * static_cast<size_t>(options_.n_batch));
    call(
        {}, {range(op.out)},
        [src = rows.get(), decode = quant::traits(table.type).decode, out = at(op.out), n = width(op.out),
         scale = op.scale](const Step& step, Part part) {
          const auto [begin, end] = part.of(step.n_tokens);
          for (int64_t t = begin; t < end; ++t) {
            decode(src->rows.data() + static_cast<size_t>(t) * src->row_bytes, out + t * n,
                   static_cast<size_t>(n));
            if (scale != 1)
              for (int64_t i = 0; i < n; ++i) out[t * n + i] *= scale;
          }
        },
        division(op.out, 1));
    out_.embeddings.push_back(std::move(rows));
  }

  void bind_op(const RmsNorm& op) {
    const int64_t n = program_.weights[static_cast<size_t>(op.weight)].ne[0];
    for_groups(op.x, n, {range(op.x)}, {range(op.out)},
               [k = &kernels_, x = at(op.x), w = weights_.values(op.weight), out = at(op.out), n,
                eps = op.eps](int64_t g) { k->rms_norm(x + g * n, w, n, eps, out + g * n); });
  }

  void bind_op(const L2Norm& op) {
    for_groups(op.x, op.n, {range(op.x)}, {range(op.out)},
               [k = &kernels_, x = at(op.x), out = at(op.out), n = op.n, eps = op.eps,
                scale = op.scale](int64_t g) { k->l2_norm(x + g * n, n, eps, scale, out + g * n); });
  }

  void bind_op(const MatMul& op) {
    const Matrix& m = weights_.matrix(op.weight);
    const Columns x = columns(op.x, m);
    MatMulTask task{.tiles = m.tiles,
                    .tile_bytes = m.tile_bytes,
                    .n_in = m.n_in,
                    .n_out = m.n_out,
                    .first_tile = 0,
                    .last_tile = 0,
                    .n_columns = 0,
                    .x = x.data,
                    .x_stride = x.stride,
                    .out = at(op.out)};
    if (op.scale != none) task.scale = *weights_.values(op.scale);
    task.bias = weights_.values(op.bias);
    call({x.range}, {range(op.out)},
         [task, kernel = kernels_.matmul(m.packing->type), n_tiles = m.n_tiles, next = next_matrix(),
          rows = rows(op.x), dealer = std::make_shared<Dealer>(n_threads_)](const Step& step, Part part) {
           MatMulTask mine = task;
           mine.n_columns = rows(step);
           const Pieces pieces(n_tiles, mine.n_columns, part.count);
           deal_tiles(*dealer, mine, pieces, part, [&](int64_t i) {
             find_next(mine, pieces, i, next, part);
             kernel(mine);
           });
         });
  }

  /// Of the product after the op that is being bound; nullptr if there is none or it depends on the routing.
  const Matrix* next_matrix() const {
    for (size_t i = op_ + 1; i < program_.ops.size(); ++i) {
      if (const auto* dense = std::get_if<MatMul>(&program_.ops[i])) return &weights_.matrix(dense->weight);
      if (std::holds_alternative<MoeMatMul>(program_.ops[i])) break;
    }
    return nullptr;
  }

  void bind_op(const Add& op) {
    for_elements(op.out, true, {range(op.a), range(op.b)}, {range(op.out)},
                 [k = &kernels_, a = at(op.a), b = at(op.b), out = at(op.out)](int64_t i, int64_t n) {
                   k->add(a + i, b + i, n, out + i);
                 });
  }

  void bind_op(const Slice& op) {
    for_groups(op.x, op.stride, {range(op.x)}, {range(op.out)},
               [x = at(op.x), out = at(op.out), op](int64_t g) {
                 std::memcpy(out + g * op.width, x + g * op.stride + op.offset,
                             static_cast<size_t>(op.width) * sizeof(float));
               });
  }

  void bind_op(const Rope& op) {
    const std::shared_ptr<Angles> angles = angles_[static_cast<size_t>(op.table)];
    const RopeTable& table = program_.rope_tables[static_cast<size_t>(op.table)];
    const int64_t heads = width(op.x) / op.head_dim;
    for_groups(op.x, op.head_dim, {range(op.x), range_of(angles->cos.data(), 1)}, {range(op.out)},
               [k = &kernels_, angles, heads, pairs = static_cast<int64_t>(table.frequency.size()),
                interleaved = table.interleaved, x = at(op.x), n = op.head_dim, out = at(op.out)](int64_t g) {
                 const int64_t token = g / heads;
                 k->rope(x + g * n, angles->cos.data() + token * pairs, angles->sin.data() + token * pairs,
                         pairs, interleaved, n, out + g * n);
               });
  }

  void bind_op(const Attention& op) {
    const KvLayer cache = memory_.kv(op.cache);
    const AttentionArgs args{.q = at(op.q),
                             .k = at(op.k),
                             .v = at(op.v_),
                             .out = at(op.out),
                             .cache = cache,
                             .n_head = op.n_head,
                             .scale = op.scale,
                             .window = op.window,
                             .sinks = weights_.values(op.sinks)};
    call(
        {range(op.k), range(op.v_)}, {range_of(cache.data, 1)},
        [f = kernels_.store_kv, args](const Step& step, Part part) { f(args, step, part); },
        division(op.k, cache.n_head_kv));
    call({range(op.q), range_of(cache.data, 1)}, {range(op.out)},
         [f = kernels_.attend, args](const Step& step, Part part) { f(args, step, part); });
  }

  void bind_op(const Glu& op) {
    for_elements(op.out, false, {range(op.gate), range(op.up)}, {range(op.out)},
                 [k = &kernels_, kind = op.activation, gate = at(op.gate), up = at(op.up), out = at(op.out)](
                     int64_t i, int64_t n) { k->glu(kind, gate + i, up + i, n, out + i); });
  }

  void bind_op(const Sigmoid& op) {
    for_elements(op.out, false, {range(op.x)}, {range(op.out)},
                 [k = &kernels_, x = at(op.x), out = at(op.out)](int64_t i, int64_t n) {
                   k->sigmoid(x + i, n, out + i);
                 });
  }

  void bind_op(const SigmoidGate& op) {
    const int64_t n = width(op.x), gates = width(op.gate);
    for_groups(op.x, n, {range(op.x), range(op.gate)}, {range(op.out)},
               [k = &kernels_, x = at(op.x), gate = at(op.gate), n, gates, out = at(op.out)](int64_t row) {
                 k->sigmoid_gate(x + row * n, gate + row * gates, gates == 1, n, out + row * n);
               });
  }

  void bind_op(const Softcap& op) {
    for_elements(op.out, false, {range(op.x)}, {range(op.out)},
                 [k = &kernels_, cap = op.cap, x = at(op.x), out = at(op.out)](int64_t i, int64_t n) {
                   k->softcap(x + i, cap, n, out + i);
                 });
  }

  void bind_op(const MoeRoute& op) {
    const int64_t n_expert = width(op.logits), n_used = width(op.ids);
    if (n_expert > kMaxExperts)
      error_ = fmt::format("{} experts: the CPU backend does at most {}", n_expert, kMaxExperts);
    auto* ids = reinterpret_cast<int32_t*>(at(op.ids));
    for_groups(op.logits, n_expert, {range(op.logits)}, {range(op.ids), range(op.weights)},
               [k = &kernels_, op, logits = at(op.logits), n_expert, n_used, ids,
                weights = at(op.weights)](int64_t t) {
                 k->moe_route(op.gating, logits + t * n_expert, n_expert, n_used, ids + t * n_used,
                              weights + t * n_used);
               });
    auto groups = std::make_shared<ExpertGroups>();
    groups->first.resize(static_cast<size_t>(n_expert) + 1);
    groups->pairs.resize(static_cast<size_t>(options_.n_batch * n_used));
    groups->tokens.resize(groups->pairs.size());
    groups_[op.ids] = groups;
    call({range(op.ids)}, {range_of(groups->first.data(), 1)},
         [groups, ids, n_used](const Step& step, Part part) {
           if (part.index == 0) groups->group(ids, step.n_tokens, n_used);
         });
  }

  void bind_op(const MoeMatMul& op) {
    const Matrix& m = weights_.matrix(op.weight);
    const Columns x = columns(op.x, m);
    const bool shared_x = width(op.x) == m.n_in;
    const std::shared_ptr<ExpertGroups> groups = groups_.at(op.ids);
    const MatMulTask task{.tiles = nullptr,
                          .tile_bytes = m.tile_bytes,
                          .n_in = m.n_in,
                          .n_out = m.n_out,
                          .first_tile = 0,
                          .last_tile = 0,
                          .n_columns = 0,
                          .x = x.data,
                          .x_stride = x.stride,
                          .out = at(op.out)};
    call({x.range, range_of(groups->first.data(), 1)}, {range(op.out)},
         [&m, task, shared_x, groups, kernel = kernels_.matmul(m.packing->type),
          scale = weights_.values(op.scale), bias = weights_.values(op.bias),
          dealer = std::make_shared<Dealer>(n_threads_)](const Step& step, Part part) {
           MatMulTask mine = task;
           const Pieces pieces(m.n_tiles, step.n_tokens, part.count);
           deal_tiles(*dealer, mine, pieces, part, [&](int64_t) {
             const auto next_chosen = [&](int64_t e) {
               while (e < m.n_stack &&
                      groups->first[static_cast<size_t>(e)] == groups->first[static_cast<size_t>(e) + 1])
                 ++e;
               return e;
             };
             for (int64_t e = next_chosen(0), next; e < m.n_stack; e = next) {
               next = next_chosen(e + 1);
               const int32_t begin = groups->first[static_cast<size_t>(e)],
                             end = groups->first[static_cast<size_t>(e) + 1];
               mine.tiles = m.of(e);
               mine.next_bytes = (mine.last_tile - mine.first_tile) * m.tile_bytes;
               mine.next_tiles = next < m.n_stack ? m.of(next) + mine.first_tile * m.tile_bytes : nullptr;
               mine.n_columns = end - begin;
               mine.x_rows = (shared_x ? groups->tokens : groups->pairs).data() + begin;
               mine.out_rows = groups->pairs.data() + begin;
               mine.scale = scale ? scale[e] : 1;
               mine.bias = bias ? bias + e * m.n_out : nullptr;
               kernel(mine);
             }
           });
         });
  }

  void bind_op(const MoeCombine& op) {
    const int64_t n = width(op.out), slots = width(op.weights);
    for_groups(
        op.out, n, {range(op.x), range(op.weights)}, {range(op.out)},
        [k = &kernels_, x = at(op.x), weights = at(op.weights), n, slots, out = at(op.out)](int64_t t) {
          k->weighted_sum(x + t * slots * n, weights + t * slots, slots, n, out + t * n);
        });
  }

  void bind_op(const CausalConv& op) {
    const ConvLayer state = memory_.conv(op.state);
    auto taps = std::make_shared<std::vector<float>>();  // [d_conv, channels]: channels in lanes
    const float* kernel = weights_.values(op.kernel);
    for (int64_t tap = 0; tap < state.shape.d_conv; ++tap)
      for (int64_t c = 0; c < state.shape.channels; ++c)
        taps->push_back(kernel[c * state.shape.d_conv + tap]);
    const ConvArgs args{.x = at(op.x), .kernel = taps->data(), .out = at(op.out), .state = state};
    call({range(op.x), range_of(state.data, 1)}, {range(op.out), range_of(state.data, 1)},
         [f = kernels_.causal_conv, args, taps](const Step& step, Part part) { f(args, step, part); });
  }

  void bind_op(const DeltaDecay& op) {
    const int64_t n = width(op.alpha);
    for_groups(op.alpha, n, {range(op.alpha)}, {range(op.out)},
               [x = at(op.alpha), a = weights_.values(op.a), bias = weights_.values(op.dt_bias), n,
                out = at(op.out)](int64_t row) {
                 for (int64_t i = 0; i < n; ++i) {
                   const float v = x[row * n + i] + bias[i];
                   out[row * n + i] = a[i] * (v > 20 ? v : std::log1p(std::exp(v)));
                 }
               });
  }

  void bind_op(const DeltaNet& op) {
    const DeltaLayer state = memory_.delta(op.state);
    const DeltaArgs args{.q = at(op.q),
                         .k = at(op.k),
                         .v = at(op.v_),
                         .g = at(op.g),
                         .beta = at(op.beta),
                         .out = at(op.out),
                         .state = state};
    const std::vector<Range> reads{range(op.q), range(op.k),    range(op.v_),
                                   range(op.g), range(op.beta), range_of(state.data, 1)};
    call(reads, {range(op.out), range_of(state.data, 1)},
         [f = kernels_.delta_net, args](const Step& step, Part part) { f(args, step, part); });
    call(reads, {range_of(state.data, 1)},
         [f = kernels_.delta_net_remember, args](const Step& step, Part part) { f(args, step, part); });
  }

  void bind_op(const Outputs& op) {
    call({range(op.x)}, {range(op.out)},
         [x = at(op.x), n = width(op.x), out = at(op.out)](const Step& step, Part part) {
           const auto [begin, end] = part.of(step.n_outputs);
           for (int64_t i = begin; i < end; ++i)
             std::memcpy(out + i * n, x + step.output_rows[static_cast<size_t>(i)] * n,
                         static_cast<size_t>(n) * sizeof(float));
         });
  }

  /// The first calls of a step: the angles of all rotary embeddings, shared by the layers.
  void bind_angles() {
    for (const RopeTable& table : program_.rope_tables) {
      const auto angles = std::make_shared<Angles>();
      angles->cos.resize(static_cast<size_t>(options_.n_batch) * table.frequency.size());
      angles->sin.resize(angles->cos.size());
      angles_.push_back(angles);
      call({}, {range_of(angles->cos.data(), 1)}, [angles, &table](const Step& step, Part part) {
        const Part::Range tokens = part.of(step.n_tokens);
        const size_t pairs = table.frequency.size();
        for (auto t = static_cast<size_t>(tokens.begin); t < static_cast<size_t>(tokens.end); ++t)
          for (size_t j = 0; j < pairs; ++j) {
            const double angle = step.positions[t] * table.frequency[j];
            angles->cos[t * pairs + j] = static_cast<float>(std::cos(angle) * table.magnitude);
            angles->sin[t * pairs + j] = static_cast<float>(std::sin(angle) * table.magnitude);
          }
      });
    }
  }

  const Program& program_;
  const backend::CompileOptions& options_;
  const Kernels& kernels_;
  const Weights& weights_;
  const CpuMemory& memory_;
  size_t op_ = 0;  // that is being bound
  Plan plan_;
  Binding out_;
  std::vector<int64_t> quantized_;  // row length of the values that some product needs as int8; 0: none does
  std::vector<bool> is_quantized_;  // the call that makes the int8 form is there
  std::vector<std::shared_ptr<Angles>> angles_;              // of each rope table
  std::map<ValueId, std::shared_ptr<ExpertGroups>> groups_;  // by the value of the ids
  const int32_t n_threads_;
  Barriers barriers_;
  std::string error_;  // what can't be bound
};

}  // namespace

Result<Binding> bind(const Program& program, const backend::CompileOptions& options, const Kernels& kernels,
                     const Weights& weights, const CpuMemory& memory, int32_t n_threads) {
  return Binder(program, options, kernels, weights, memory, n_threads).bind();
}

}  // namespace halcyon::cpu

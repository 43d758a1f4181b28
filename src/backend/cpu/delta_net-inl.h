// The gated delta rule in its chunked form (arXiv:2412.06464 §3.3), and the convolution before it, for every
// ISA.
//
// With S0 the state at the start of a chunk of kBlock positions, G_i the sum of g from there to token i, and
// d_j what token j wrote, token i of the chunk has
//   d_i = beta_i (v_i - exp(G_i) S0^T k_i - sum_{j<i} exp(G_i - G_j) (k_j . k_i) d_j)
//   o_i = exp(G_i) S0^T q_i + sum_{j<=i} exp(G_i - G_j) (k_j . q_i) d_j
// and after the chunk's last token L the next one starts with
//   S0 <- exp(G_L) S0 + sum_j exp(G_L - G_j) k_j d_j^T.
// Chunks start at multiples of kBlock of the sequence, so every number here is a function of the position
// alone: a token has the same bits whether it comes by itself or with its whole chunk. Where g is below 0, as
// in trained models, no exponent is positive; growth beyond e^88 within a chunk is cut there by exp().
#pragma once

#include "backend/cpu/delta_net.h"
#include "backend/cpu/math-inl.h"

namespace halcyon::cpu {

namespace delta {

/// Rows, or columns, that share each load of a state: their sums must fit into the registers.
template <class S>
inline constexpr int kRows = S::kFloatColumns < 8 ? 4 : 8;

/// The tokens of a chunk, as far as the step has them.
struct Chunk {
  int32_t index = 0;
  int32_t lo = 0, hi = 0;  // the step's are lo … hi - 1; those before are remembered
  const float* g[kBlock];  // [n_v], for tokens up to hi
  // Of one key head: k and q of token 0, k and q of token 1, …, each [dk]. Copied side by side, because rows
  // that are a power of two apart would push each other out of the cache.
  alignas(64) float kq[2 * kBlock * kMaxKeyDim];
};

/// Dot products of a token's k and q with the k of all tokens up to it, 0 for later ones.
struct Products {
  alignas(64) float kk[kBlock * kBlock];
  alignas(64) float kq[kBlock * kBlock];
};

template <class S>
inline float dot(const float* a, const float* b, int32_t n) {
  auto sum = S::zero();
  int32_t i = 0;
  for (; i + 16 <= n; i += 16) sum = S::fma(S::load(a + i), S::load(b + i), sum);
  if (i < n) sum = S::fma(S::load_n(a + i, n - i), S::load_n(b + i, n - i), sum);
  return S::reduce_add(sum);
}

template <class S>
inline void copy(const float* from, int32_t n, float* to) {
  for (int32_t i = 0; i < n; i += 16) {
    const int32_t part = n - i < 16 ? n - i : 16;
    S::store_n(to + i, S::load_n(from + i, part), part);
  }
}

template <class S>
void multiply_keys(const Chunk& chunk, int32_t dk, Products& products) {
  for (int32_t i = chunk.lo; i < chunk.hi; ++i) {
    const float* k = chunk.kq + 2 * i * dk;
    for (int32_t j = 0; j < kBlock; ++j) {
      products.kk[i * kBlock + j] = j < i ? dot<S>(k, chunk.kq + 2 * j * dk, dk) : 0.0f;
      products.kq[i * kBlock + j] = j <= i ? dot<S>(k + dk, chunk.kq + 2 * j * dk, dk) : 0.0f;
    }
  }
}

/// The decays of a value head within a chunk: G_j, 0 for tokens that are not there, and exp(G_j).
struct Decays {
  alignas(64) float sum[kBlock];
  alignas(64) float start[kBlock];
};

template <class S>
inline void sum_decays(const Chunk& chunk, int32_t head, Decays& decays) {
  float total = 0;
  for (int32_t j = 0; j < kBlock; ++j) {
    if (j < chunk.hi) total += chunk.g[j][head];
    decays.sum[j] = j < chunk.hi ? total : 0.0f;
  }
  for (int32_t j = 0; j < kBlock; j += 16) S::store(decays.start + j, exp<S>(S::load(decays.sum + j)));
}

/// exp(G_i - G_j) for sixteen tokens from j on. Those after i get some finite number, which nobody uses:
/// their products are 0.
template <class S>
inline typename S::F decay(const Decays& decays, int32_t i, int32_t j) {
  return exp<S>(S::sub(S::set1(decays.sum[i]), S::load(decays.sum + j)));
}

/// out_r = S0^T x_r for R rows of x [R, dk] and a strip of sixteen columns.
template <class S, int R>
inline void multiply_state(const float* s0, const float* x, int32_t dk, float* out) {
  typename S::F sum[R];
  for (int r = 0; r < R; ++r) sum[r] = S::zero();
  for (int32_t a = 0; a < dk; ++a) {
    const auto s = S::load(s0 + 16 * a);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) sum[r] = S::fma(S::set1(x[r * dk + a]), s, sum[r]);
  }
  for (int r = 0; r < R; ++r) S::store(out + 16 * r, sum[r]);
}

/// Rows a … a + R - 1 of S0 <- decay S0 + sum_j k_j written_j^T, for a strip of sixteen columns.
template <class S, int R>
inline void fold_rows(float* s0, bool empty, float decay, const float* kq, int32_t dk, int32_t a,
                      const float* written) {
  typename S::F sum[R];
  for (int r = 0; r < R; ++r) sum[r] = empty ? S::zero() : S::mul(S::set1(decay), S::load(s0 + 16 * (a + r)));
  for (int32_t j = 0; j < kBlock; ++j) {
    const auto d = S::load(written + 16 * j);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) sum[r] = S::fma(S::set1(kq[2 * j * dk + a + r]), d, sum[r]);
  }
  for (int r = 0; r < R; ++r) S::store(s0 + 16 * (a + r), sum[r]);
}

/// Moves the state of a unit from the start of `chunk`, whose tokens are all there, to the start of the next
/// one.
template <class S>
void fold(float* unit, const Chunk& chunk, int32_t dk, const Decays& decays) {
  constexpr int32_t last = kBlock - 1;
  const float* d = unit + int64_t{dk} * 16;
  alignas(64) float fade[kBlock];
  alignas(64) float written[kBlock * 16];
  for (int32_t j = 0; j < kBlock; j += 16) S::store(fade + j, decay<S>(decays, last, j));
  for (int32_t j = 0; j < kBlock; ++j)
    S::store(written + 16 * j, S::mul(S::set1(fade[j]), S::load(d + 16 * j)));
  const bool empty = chunk.index == 0;
  int32_t a = 0;
  for (; a + kRows<S> <= dk; a += kRows<S>)
    fold_rows<S, kRows<S>>(unit, empty, decays.start[last], chunk.kq, dk, a, written);
  for (; a < dk; ++a) fold_rows<S, 1>(unit, empty, decays.start[last], chunk.kq, dk, a, written);
}

/// exp(G_i - G_j) times the products of the tokens i and j, for a value head.
template <class S>
void weigh_products(const Chunk& chunk, const Decays& decays, const Products& products, Products& weighted) {
  for (int32_t i = chunk.lo; i < chunk.hi; ++i) {
    for (int32_t j = 0; j < kBlock; j += 16) {
      const auto e = decay<S>(decays, i, j);
      S::store(weighted.kk + i * kBlock + j, S::mul(e, S::load(products.kk + i * kBlock + j)));
      S::store(weighted.kq + i * kBlock + j, S::mul(e, S::load(products.kq + i * kBlock + j)));
    }
  }
}

/// Forward substitution for R tokens of a chunk from token i on, for one strip: d [kBlock, 16] holds what the
/// tokens before wrote. `from_state` is S0^T k and S0^T q of each token; v, out and beta are those of token
/// i, with n columns.
template <class S, int R>
inline void write_tokens(float* d, int32_t i, const Products& weighted, const float* start,
                         const float* from_state, const float* v, float* out, int64_t v_stride,
                         const float* beta, int64_t beta_stride, int32_t n) {
  using F = typename S::F;
  const float *kk = weighted.kk + i * kBlock, *kq = weighted.kq + i * kBlock;
  F rest[R], sum[R];
  for (int r = 0; r < R; ++r) {
    // The next strip's columns: rows are too far apart for the hardware to see it coming.
    __builtin_prefetch(v + r * v_stride + 16);
    __builtin_prefetch(out + r * v_stride + 16, 1);
    const F fade = S::set1(start[i + r]);
    rest[r] = S::nfma(fade, S::load(from_state + 32 * r), S::load_n(v + r * v_stride, n));
    sum[r] = S::mul(fade, S::load(from_state + 32 * r + 16));
  }
  for (int32_t j = 0; j < i; ++j) {
    const F written = S::load(d + 16 * j);
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
      rest[r] = S::nfma(S::set1(kk[r * kBlock + j]), written, rest[r]);
      sum[r] = S::fma(S::set1(kq[r * kBlock + j]), written, sum[r]);
    }
  }
#pragma GCC unroll 4
  for (int t = 0; t < R; ++t) {
    const F written = S::mul(S::set1(beta[t * beta_stride]), rest[t]);
    S::store(d + 16 * (i + t), written);
    sum[t] = S::fma(S::set1(kq[t * kBlock + i + t]), written, sum[t]);
    S::store_n(out + t * v_stride, sum[t], n);
#pragma GCC unroll 4
    for (int r = t + 1; r < R; ++r) {
      rest[r] = S::nfma(S::set1(kk[r * kBlock + i + t]), written, rest[r]);
      sum[r] = S::fma(S::set1(kq[r * kBlock + i + t]), written, sum[r]);
    }
  }
}

/// The step's tokens of a chunk, from row `first_row` of the step on, for one strip of value head `head`.
/// `weighted` and `start` are of that head.
template <class S>
void run_unit(const DeltaArgs& args, float* unit, const Chunk& chunk, int64_t first_row, int32_t head,
              int32_t strip, const Products& weighted, const float* start) {
  const auto [n_k, n_v, dk, dv] = args.state.shape;
  const int32_t n = chunk.hi - chunk.lo;

  alignas(64) float from_state[2 * kBlock * 16];  // S0^T k and S0^T q of each token
  if (chunk.index == 0) {
    for (int32_t r = 0; r < 2 * n; ++r) S::store(from_state + 16 * r, S::zero());
  } else {
    const float* x = chunk.kq + 2 * chunk.lo * dk;
    int32_t r = 0;
    for (; r + kRows<S> <= 2 * n; r += kRows<S>)
      multiply_state<S, kRows<S>>(unit, x + r * dk, dk, from_state + 16 * r);
    for (; r < 2 * n; r += 2) multiply_state<S, 2>(unit, x + r * dk, dk, from_state + 16 * r);
  }

  const int32_t columns = dv - 16 * strip < 16 ? dv - 16 * strip : 16;
  const int64_t stride = int64_t{n_v} * dv;
  const auto write = [&]<int R>(int32_t t) {
    const int64_t row = (first_row + t) * n_v + head, at = row * dv + 16 * strip;
    write_tokens<S, R>(unit + int64_t{dk} * 16, chunk.lo + t, weighted, start, from_state + 32 * t,
                       args.v + at, args.out + at, stride, args.beta + row, n_v, columns);
  };
  constexpr int kTogether = kRows<S> / 2;
  int32_t t = 0;
  for (; t + kTogether <= n; t += kTogether) write.template operator()<kTogether>(t);
  for (; t < n; ++t) write.template operator()<1>(t);
}

/// Units begin … end - 1, all of key head `head`, for all tokens of a segment.
template <class S>
void run_key_head(const DeltaArgs& args, const StepSegment& segment, int32_t head, int64_t begin,
                  int64_t end) {
  const DeltaLayer& layer = args.state;
  const auto [n_k, n_v, dk, dv] = layer.shape;
  const int32_t strips = layer.n_strips();
  const int64_t first_unit = int64_t{head} * (n_v / n_k) * strips;
  float* state = layer.data + segment.slot * layer.slot_stride;

  // Calls f(unit, value head, strip) for all units, and head_changed(value head) before the first one of each
  // head.
  const auto for_each_unit = [&](auto head_changed, auto f) {
    for (int64_t u = begin; u < end; ++u) {
      const auto strip = static_cast<int32_t>((u - first_unit) % strips);
      const auto value_head = head + n_k * static_cast<int32_t>((u - first_unit) / strips);
      if (u == begin || strip == 0) head_changed(value_head);
      f(state + u * layer.unit_floats(), value_head, strip);
    }
  };

  Chunk chunk;
  chunk.index = layer.chunks[segment.slot];
  const auto set_token = [&](int32_t i, const float* k, const float* q, const float* g) {
    copy<S>(k, dk, chunk.kq + 2 * i * dk);
    if (q) copy<S>(q, dk, chunk.kq + (2 * i + 1) * dk);
    chunk.g[i] = g;
  };
  const bool folds = segment.first_pos / kBlock != chunk.index;  // before the first token
  for (int32_t i = 0, n = folds ? kBlock : segment.first_pos % kBlock; i < n; ++i)
    set_token(i, state + layer.k_offset() + (int64_t{i} * n_k + head) * dk, nullptr,
              state + layer.g_offset() + int64_t{i} * n_v);
  Decays decays;
  Products products, weighted;
  const int32_t end_pos = segment.first_pos + segment.n_rows;
  for (int32_t c = segment.first_pos / kBlock; c * kBlock < end_pos; ++c) {
    if (c != chunk.index) {
      chunk.hi = kBlock;
      for_each_unit([&](int32_t h) { sum_decays<S>(chunk, h, decays); },
                    [&](float* unit, int32_t, int32_t) { fold<S>(unit, chunk, dk, decays); });
    }
    chunk.index = c;
    chunk.lo = c * kBlock < segment.first_pos ? segment.first_pos - c * kBlock : 0;
    chunk.hi = end_pos < (c + 1) * kBlock ? end_pos - c * kBlock : kBlock;
    const int64_t first_row = segment.first_row + c * kBlock + chunk.lo - segment.first_pos;
    for (int32_t i = chunk.lo; i < chunk.hi; ++i) {
      const int64_t row = first_row + i - chunk.lo;
      const int64_t at = (row * n_k + head) * dk;
      set_token(i, args.k + at, args.q + at, args.g + row * n_v);
    }
    multiply_keys<S>(chunk, dk, products);
    for_each_unit(
        [&](int32_t h) {
          sum_decays<S>(chunk, h, decays);
          weigh_products<S>(chunk, decays, products, weighted);
        },
        [&](float* unit, int32_t h, int32_t strip) {
          run_unit<S>(args, unit, chunk, first_row, h, strip, weighted, decays.start);
        });
  }
}

}  // namespace delta

/// SiLU of the causal depthwise convolution, as program::CausalConv says, and keeps the rows for later steps.
template <class S>
void causal_conv(const ConvArgs& args, const Step& step, Part part) {
  using F = typename S::F;
  const ConvLayer& layer = args.state;
  const auto [d_conv, channels] = layer.shape;
  const auto lanes = part.of((int64_t{channels} + 15) / 16);
  const int64_t begin = lanes.begin * 16, end = lanes.end * 16 < channels ? lanes.end * 16 : channels;
  for (const StepSegment& segment : step.segments) {
    float* kept = layer.data + segment.slot * layer.slot_stride;
    const int32_t end_pos = segment.first_pos + segment.n_rows;
    const float* x = args.x + int64_t{segment.first_row} * channels;
    for (int32_t t = 0; t < segment.n_rows; ++t) {
      const int32_t oldest = segment.first_pos + t - (d_conv - 1);  // position under the first tap
      const int32_t first_tap = oldest < 0 ? -oldest : 0;
      float* out = args.out + (int64_t{segment.first_row} + t) * channels;
      for (int64_t c = begin; c < end; c += 16) {
        const int n = static_cast<int>(end - c < 16 ? end - c : 16);
        const auto load = [n](const float* p) { return n == 16 ? S::load(p) : S::load_n(p, n); };
        F sum = S::zero();
        for (int32_t tap = first_tap; tap < d_conv; ++tap) {
          const int32_t pos = oldest + tap;
          const float* row = pos >= segment.first_pos ? x + int64_t{pos - segment.first_pos} * channels
                                                      : kept + int64_t{pos % layer.n_rows()} * channels;
          sum = S::fma(load(args.kernel + int64_t{tap} * channels + c), load(row + c), sum);
        }
        S::store_n(out + c, S::mul(sum, sigmoid<S>(sum)), n);
      }
    }
    const int32_t needed =
        (end_pos - 1) / kBlock * kBlock - (d_conv - 1);  // as far back as truncation may go
    for (int32_t pos = needed > segment.first_pos ? needed : segment.first_pos; pos < end_pos && begin < end;
         ++pos)
      __builtin_memcpy(kept + int64_t{pos % layer.n_rows()} * channels + begin,
                       x + int64_t{pos - segment.first_pos} * channels + begin,
                       static_cast<size_t>(end - begin) * sizeof(float));
  }
}

/// The gated delta rule, as program::DeltaNet says. Threads divide the columns of all value heads.
template <class S>
void delta_net(const DeltaArgs& args, const Step& step, Part part) {
  const auto [begin, end] = part.of(args.state.n_units());
  const int64_t per_key_head = args.state.n_units() / args.state.shape.n_k;
  for (const StepSegment& segment : step.segments) {
    for (int64_t from = begin, to; from < end; from = to) {
      const int64_t head = from / per_key_head;
      to = (head + 1) * per_key_head < end ? (head + 1) * per_key_head : end;
      delta::run_key_head<S>(args, segment, static_cast<int32_t>(head), from, to);
    }
  }
}

/// Keeps k and g of the tokens of the last chunk. All threads must be done with delta_net() before: the rows
/// replace those of an earlier chunk.
template <class S>
void delta_net_remember(const DeltaArgs& args, const Step& step, Part part) {
  const DeltaLayer& layer = args.state;
  const int64_t k_width = int64_t{layer.shape.n_k} * layer.shape.dk, g_width = layer.shape.n_v;
  const auto k_part = part.of(k_width), g_part = part.of(g_width);
  for (const StepSegment& segment : step.segments) {
    float* state = layer.data + segment.slot * layer.slot_stride;
    const int32_t end_pos = segment.first_pos + segment.n_rows, chunk_pos = (end_pos - 1) / kBlock * kBlock;
    for (int32_t pos = chunk_pos > segment.first_pos ? chunk_pos : segment.first_pos; pos < end_pos; ++pos) {
      const int64_t row = int64_t{segment.first_row} + pos - segment.first_pos;
      float* k = state + layer.k_offset() + (pos - chunk_pos) * k_width;
      float* g = state + layer.g_offset() + (pos - chunk_pos) * g_width;
      for (int64_t i = k_part.begin; i < k_part.end; ++i) k[i] = args.k[row * k_width + i];
      for (int64_t i = g_part.begin; i < g_part.end; ++i) g[i] = args.g[row * g_width + i];
    }
  }
}

}  // namespace halcyon::cpu

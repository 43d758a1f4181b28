// Norms, activations and the other ops that go over rows once. Each function does one row, or one group of
// it.
#pragma once

#include <cstdint>

#include "backend/cpu/kernels.h"
#include "backend/cpu/math-inl.h"
#include "program/ops.h"

namespace halcyon::cpu {

/// Calls f(offset, lanes) for n elements, sixteen at a time; the last call may have fewer.
template <class F>
inline void in_lanes(int64_t n, F&& f) {
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) f(i, 16);
  if (i < n) f(i, static_cast<int>(n - i));
}

template <class S>
inline typename S::F load_lanes(const float* p, int lanes) {
  return lanes == 16 ? S::load(p) : S::load_n(p, lanes);
}

template <class S>
inline void store_lanes(float* p, typename S::F x, int lanes) {
  lanes == 16 ? S::store(p, x) : S::store_n(p, x, lanes);
}

template <class S>
inline float sum_of_squares(const float* x, int64_t n) {
  typename S::F sum = S::zero();
  in_lanes(n, [&](int64_t i, int lanes) {
    const typename S::F v = load_lanes<S>(x + i, lanes);
    sum = S::fma(v, v, sum);
  });
  return S::reduce_add(sum);
}

template <class S>
void rms_norm(const float* x, const float* weight, int64_t n, float eps, float* out) {
  const float mean = sum_of_squares<S>(x, n) / static_cast<float>(n);
  const typename S::F scale = S::set1(1.0f / __builtin_sqrtf(mean + eps));
  in_lanes(n, [&](int64_t i, int lanes) {
    store_lanes<S>(
        out + i, S::mul(S::mul(load_lanes<S>(x + i, lanes), scale), load_lanes<S>(weight + i, lanes)), lanes);
  });
}

template <class S>
void l2_norm(const float* x, int64_t n, float eps, float factor, float* out) {
  const float length = __builtin_sqrtf(sum_of_squares<S>(x, n));
  const typename S::F scale = S::set1(factor / (length > eps ? length : eps));
  in_lanes(n, [&](int64_t i, int lanes) {
    store_lanes<S>(out + i, S::mul(load_lanes<S>(x + i, lanes), scale), lanes);
  });
}

template <class S>
void add(const float* a, const float* b, int64_t n, float* out) {
  in_lanes(n, [&](int64_t i, int lanes) {
    store_lanes<S>(out + i, S::add(load_lanes<S>(a + i, lanes), load_lanes<S>(b + i, lanes)), lanes);
  });
}

template <class S>
inline typename S::F activate(program::Activation kind, typename S::F gate, typename S::F up) {
  using F = typename S::F;
  switch (kind) {
    case program::Activation::silu:
      break;
    case program::Activation::gelu: {  // 0.5 x (1 + tanh u) = x sigmoid(2 u)
      const F inner = S::fma(S::mul(S::set1(0.044715f), S::mul(gate, gate)), gate, gate);
      return S::mul(S::mul(gate, sigmoid<S>(S::mul(S::set1(2 * 0.79788456f), inner))), up);
    }
    case program::Activation::swiglu_oai: {
      const F g = S::min(S::set1(7), gate);
      const F u = S::min(S::set1(7), S::max(S::set1(-7), up));
      return S::mul(S::mul(g, sigmoid<S>(S::mul(S::set1(1.702f), g))), S::add(u, S::set1(1)));
    }
  }
  return S::mul(S::mul(gate, sigmoid<S>(gate)), up);
}

template <class S>
void glu(program::Activation kind, const float* gate, const float* up, int64_t n, float* out) {
  in_lanes(n, [&](int64_t i, int lanes) {
    store_lanes<S>(out + i, activate<S>(kind, load_lanes<S>(gate + i, lanes), load_lanes<S>(up + i, lanes)),
                   lanes);
  });
}

template <class S>
void sigmoid_all(const float* x, int64_t n, float* out) {
  in_lanes(n, [&](int64_t i, int lanes) {
    store_lanes<S>(out + i, sigmoid<S>(load_lanes<S>(x + i, lanes)), lanes);
  });
}

/// gate has n elements, or one that serves them all.
template <class S>
void sigmoid_gate(const float* x, const float* gate, bool one_gate, int64_t n, float* out) {
  in_lanes(n, [&](int64_t i, int lanes) {
    const typename S::F g = one_gate ? S::set1(*gate) : load_lanes<S>(gate + i, lanes);
    store_lanes<S>(out + i, S::mul(load_lanes<S>(x + i, lanes), sigmoid<S>(g)), lanes);
  });
}

template <class S>
void softcap(const float* x, float cap, int64_t n, float* out) {
  in_lanes(n, [&](int64_t i, int lanes) {
    store_lanes<S>(out + i, S::mul(S::set1(cap), tanh<S>(S::div(load_lanes<S>(x + i, lanes), S::set1(cap)))),
                   lanes);
  });
}

/// One head: pairs (a, b) -> (a cos - b sin, a sin + b cos); the dimensions behind n_rot = 2 * pairs are
/// copied.
template <class S>
void rope(const float* x, const float* cos, const float* sin, int64_t pairs, bool interleaved,
          int64_t head_dim, float* out) {
  if (interleaved) {
    for (int64_t j = 0; j < pairs; ++j) {
      const float a = x[2 * j], b = x[2 * j + 1];
      out[2 * j] = a * cos[j] - b * sin[j];
      out[2 * j + 1] = a * sin[j] + b * cos[j];
    }
  } else {
    in_lanes(pairs, [&](int64_t j, int lanes) {
      const typename S::F a = load_lanes<S>(x + j, lanes), b = load_lanes<S>(x + pairs + j, lanes);
      const typename S::F c = load_lanes<S>(cos + j, lanes), s = load_lanes<S>(sin + j, lanes);
      store_lanes<S>(out + j, S::sub(S::mul(a, c), S::mul(b, s)), lanes);
      store_lanes<S>(out + pairs + j, S::add(S::mul(a, s), S::mul(b, c)), lanes);
    });
  }
  for (int64_t i = 2 * pairs; i < head_dim; ++i) out[i] = x[i];
}

/// Router of one token: the n_used largest of n logits (the lower id first among equals) and their weights.
template <class S>
void moe_route(program::Gating gating, const float* logits, int64_t n, int64_t n_used, int32_t* ids,
               float* weights) {
  bool taken[kMaxExperts] = {};
  for (int64_t slot = 0; slot < n_used; ++slot) {
    int64_t best = -1;
    for (int64_t e = 0; e < n; ++e)
      if (!taken[e] && (best < 0 || logits[e] > logits[best])) best = e;
    taken[best] = true;
    ids[slot] = static_cast<int32_t>(best);
    weights[slot] = logits[best];
  }
  // Softmax over all experts, renormalised over the chosen, is the softmax over the chosen: only its floor of
  // 2^-14 for the sum needs the others.
  const typename S::F largest = S::set1(weights[0]);
  float chosen = 0, all = 0;
  if (gating == program::Gating::softmax_all) {
    typename S::F sum = S::zero();
    in_lanes(n, [&](int64_t i, int lanes) {
      float shares[16] = {};
      store_lanes<S>(shares, exp<S>(S::sub(load_lanes<S>(logits + i, lanes), largest)), lanes);
      sum = S::add(sum, S::load(shares));
    });
    all = S::reduce_add(sum);
  }
  in_lanes(n_used, [&](int64_t i, int lanes) {
    store_lanes<S>(weights + i, exp<S>(S::sub(load_lanes<S>(weights + i, lanes), largest)), lanes);
  });
  for (int64_t slot = 0; slot < n_used; ++slot) chosen += weights[slot];
  const float floor = 6.103515625e-5f * all;
  const float divisor = chosen > floor ? chosen : floor;
  for (int64_t slot = 0; slot < n_used; ++slot) weights[slot] /= divisor;
}

/// out = sum over slots of weights[slot] * x[slot * n …].
template <class S>
void weighted_sum(const float* x, const float* weights, int64_t n_slots, int64_t n, float* out) {
  in_lanes(n, [&](int64_t i, int lanes) {
    typename S::F sum = S::zero();
    for (int64_t slot = 0; slot < n_slots; ++slot)
      sum = S::fma(load_lanes<S>(x + slot * n + i, lanes), S::set1(weights[slot]), sum);
    store_lanes<S>(out + i, sum, lanes);
  });
}

}  // namespace halcyon::cpu

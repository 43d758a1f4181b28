// exp and what is made of it, over sixteen lanes. The same polynomial on every ISA, so that the bits agree.
#pragma once

namespace halcyon::cpu {

/// e^x to about 1 ulp: x = n ln 2 + r, |r| <= ln 2 / 2, and a Taylor polynomial of degree 7 for e^r. Below
/// -87.3 it is 0 (subnormal results are not formed), above 88.37 it stays at e^88.37; a NaN stays one.
template <class S>
inline typename S::F exp(typename S::F x) {
  using F = typename S::F;
  const F clamped = S::min(S::set1(88.37f), S::max(S::set1(-88.0f), x));
  const typename S::I n = S::to_int(S::mul(clamped, S::set1(1.44269504f)));
  const F nf = S::to_float(n);
  F r = S::nfma(nf, S::set1(0.693359375f), clamped);
  r = S::nfma(nf, S::set1(-2.12194440e-4f), r);
  F p = S::set1(1.0f / 5040);
  p = S::fma(p, r, S::set1(1.0f / 720));
  p = S::fma(p, r, S::set1(1.0f / 120));
  p = S::fma(p, r, S::set1(1.0f / 24));
  p = S::fma(p, r, S::set1(1.0f / 6));
  p = S::fma(p, r, S::set1(0.5f));
  p = S::fma(p, r, S::set1(1.0f));
  p = S::fma(p, r, S::set1(1.0f));
  // 2^n as bits. n = -127 and -128 would need a subnormal: those bits are 0.0 or negative, and are replaced
  // by 0.
  const F scale = S::as_float(S::template shl<23>(S::add_i(n, S::set1_i(127))));
  const F value = S::where_less(n, S::set1_i(-126), S::zero(), S::mul(p, scale));
  return S::fma(clamped, S::zero(), value);  // lets a NaN through, changes nothing else
}

template <class S>
inline typename S::F sigmoid(typename S::F x) {
  return S::div(S::set1(1), S::add(S::set1(1), exp<S>(S::sub(S::zero(), x))));
}

template <class S>
inline typename S::F tanh(typename S::F x) {  // 2 sigmoid(2x) - 1: the error is absolute, about 1e-7
  return S::sub(S::mul(S::set1(2), sigmoid<S>(S::add(x, x))), S::set1(1));
}

}  // namespace halcyon::cpu

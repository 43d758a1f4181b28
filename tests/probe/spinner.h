// A library in which a program spins, as ROCr's event loop does in libhsa-runtime64.so.
#pragma once

#include <cstdint>

namespace spinner {

/// Looks at `signal` up to `rounds` times, without sleeping, until it is not 0. Takes microseconds per
/// thousand.
[[gnu::noinline, gnu::visibility("default")]] bool poll_completion_queue(const volatile uint64_t& signal,
                                                                         uint64_t rounds);

}  // namespace spinner

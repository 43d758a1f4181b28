#include "tests/probe/spinner.h"

bool spinner::poll_completion_queue(const volatile uint64_t& signal, uint64_t rounds) {
  for (uint64_t i = 0; i < rounds; i++)
    if (signal != 0) return true;
  return false;
}

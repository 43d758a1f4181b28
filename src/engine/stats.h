// What the engine has done and is doing, for those who watch it.
#pragma once

#include <cstdint>
#include <vector>

namespace halcyon::engine {

struct Stats {
  uint64_t requests = 0;                                                ///< that have ended
  uint64_t prompt_tokens = 0, cached_tokens = 0, predicted_tokens = 0;  ///< as in Timings, of all requests
  double prompt_seconds = 0, predicted_seconds = 0;  ///< wall-clock time of steps, by tokens
  double cpu_seconds = 0;                            ///< of all steps
  uint64_t steps = 0;                                ///< of the model
  uint64_t sequences_in_steps = 0;                   ///< summed over steps
  int32_t waiting = 0;                               ///< requests without a slot
  int32_t kept_sequences = 0;                        ///< for prompts that begin like them

  struct Slot {
    uint64_t request = 0;  ///< its id; 0: the slot is free
    int32_t n_past = 0;    ///< tokens evaluated
    int32_t n_decoded = 0;
  };
  std::vector<Slot> slots;
};

}  // namespace halcyon::engine

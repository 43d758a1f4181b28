// Which sizes of models fit into which memory: an estimate from bits per weight and the shape of the cache.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "devices/machine.h"

namespace halcyon::devices {

/// A memory that a model can lie in.
struct Place {
  std::string name;    ///< "CPU", "card0 VRAM", "card0 GTT", or a Vulkan device's
  uint64_t bytes = 0;  ///< that a model can have of it
};

/// Where models can lie. The system keeps a part of its memory: see system_reserve().
std::vector<Place> places(const Machine& machine);

/// A model in one format.
struct ModelFit {
  std::string_view model, format;
  uint64_t weights = 0;    ///< bytes of the file
  uint64_t cache = 0;      ///< bytes of keys and values in 16 bits for `context` tokens
  std::vector<bool> fits;  ///< by place
};

struct Fits {
  int context = 0;  ///< tokens
  std::vector<Place> places;
  std::vector<ModelFit> models;
};

/// Common models in common formats.
Fits model_fits(const Machine& machine, int context = 8192);

/// What the system and other programs are left: an eighth of the memory, at least 2 and at most 16 GiB.
uint64_t system_reserve(uint64_t memory);

}  // namespace halcyon::devices

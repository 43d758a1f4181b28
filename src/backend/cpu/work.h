// What a step has to read and to multiply.
#pragma once

#include <span>

#include "backend/backend.h"
#include "backend/cpu/weights.h"
#include "program/program.h"

namespace halcyon::cpu {

/// The work of one step over `stretches`, one of each sequence.
backend::StepWork count_work(const program::Program& program, const Weights& weights, backend::KvType kv,
                             std::span<const backend::Stretch> stretches);

}  // namespace halcyon::cpu

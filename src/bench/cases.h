// What is measured: every combination of what the command line lists.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "backend/backend.h"
#include "base/result.h"

namespace halcyon::bench {

/// How a model is loaded.
struct Setup {
  size_t model = 0;  ///< which of them
  backend::KvType kv = backend::KvType::f16;
  std::string isa;  ///< "avx2"
  int32_t threads = 1;
};

/// What is done with it. All sequences have the same length.
struct Case {
  enum class Kind {
    prefill,  ///< n_tokens of a prompt, in steps of n_batch
    decode,   ///< n_tokens one after the other
  } kind = Kind::prefill;
  int32_t n_tokens = 0;    ///< of each sequence
  int32_t depth = 0;       ///< tokens of each sequence before them, not timed
  int32_t n_parallel = 1;  ///< sequences at once

  int32_t positions() const { return depth + n_tokens; }  ///< that a sequence has in the end
};

/// As llama-bench calls it: "pp512", "tg128 @ d4096"; of several sequences "tg128 ×4 @ d4096".
std::string name_of(const Case& c);

std::string_view name_of(backend::KvType type);  ///< "f16"

/// The cases of a setup: its model is loaded once for all of them.
struct Group {
  Setup setup;
  std::vector<Case> cases;
};

/// What to combine.
struct Lists {
  size_t n_models = 1;
  std::vector<backend::KvType> kv{backend::KvType::f16};
  std::vector<std::string> isa;
  std::vector<int32_t> threads;
  std::vector<int32_t> prompt{512}, generate{128};  ///< tokens; 0 leaves the kind out
  std::vector<int32_t> depth{0}, parallel{1};
};

/// More cases than that are a mistake.
inline constexpr size_t kMostCases = 10'000;

/// In the order of the lists: setups by model, KV type, ISA and threads; cases by depth, sequences and kind,
/// prefill before decode. Fails if there is none, or more than kMostCases.
Result<std::vector<Group>> cross_product(const Lists& lists);

}  // namespace halcyon::bench

// Cuts text into the pieces that BPE merges within: the list of splits of a style, run by PCRE2.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tokenizer/style.h"

struct pcre2_real_code_8;

namespace halcyon::tokenizer {

/// Immutable once compiled; split() may be called from several threads at once.
class PreTokenizer {
 public:
  /// `jit` false keeps to PCRE2's interpreter, which gives the same pieces more slowly.
  static Result<PreTokenizer> compile(std::span<const Split> splits, bool jit = true);

  /// Ends of the pieces of `text`, in order, as byte offsets; the last is the text's size. Empty for an empty
  /// text. `text` is well-formed UTF-8 but for encoded surrogates, as utf8::decode and append leave it.
  Result<std::vector<size_t>> split(std::string_view text) const;

 private:
  struct CodeDeleter {
    void operator()(pcre2_real_code_8* code) const;
  };
  struct Step {
    Split::By by;
    std::unique_ptr<pcre2_real_code_8, CodeDeleter> code;
  };
  std::vector<Step> steps_;
};

}  // namespace halcyon::tokenizer

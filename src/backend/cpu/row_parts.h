// How an ISA whose registers are narrower than the 16 rows of a tile goes over them.
#pragma once

namespace halcyon::cpu {

/// The primitives for each part of the rows: P::kRows of them from P::kFirstRow on. Loads of a part take the
/// address of the first row's element, whatever the part.
template <class First, class... Others>
struct RowParts {
  static constexpr int kCount = 1 + sizeof...(Others);
  using F = typename First::F;
};

}  // namespace halcyon::cpu

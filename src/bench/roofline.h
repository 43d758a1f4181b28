// The roofline picture (Williams, Waterman and Patterson 2009, doi:10.1145/1498765.1498785).
#pragma once

#include <string>
#include <vector>

#include "bench/model_file.h"
#include "bench/result.h"

namespace halcyon::bench {

/// An SVG document. Each case is a point: along x its multiply-adds per byte streamed, along y its G
/// multiply-adds/s, both logarithmic. Above the points of each number of threads and ISA are its roofs, as
/// means over their cases: the bandwidth, the int8 rate and, dashed, the float32 rate. A label has the case
/// and its share of the roof that it is nearer to; labels that find no room are left out, the picture's
/// tooltips have them all.
std::string roofline(const std::vector<CaseResult>& results, const std::vector<ModelFile>& models);

}  // namespace halcyon::bench

// What `halcyon inspect` prints about a file.
#pragma once

#include <string>

#include "gguf/gguf.h"

namespace halcyon::cli {

/// For people: metadata and tensors as aligned tables, then a summary. Long values are cut, and what a
/// terminal could take for a command is escaped.
std::string inspect_text(const std::string& path, const gguf::File& file);

/// For machines: everything, as one line of JSON in valid UTF-8 (other bytes become U+FFFD, NaN and
/// infinities null).
std::string inspect_json(const std::string& path, const gguf::File& file);

}  // namespace halcyon::cli

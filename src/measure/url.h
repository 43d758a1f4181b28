// The address of a server: "http://127.0.0.1:8080".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace halcyon::measure {

struct Url {
  bool tls = false;
  std::string host;  ///< a name or an address; that of IPv6 without brackets
  uint16_t port = 0;
  std::string path;  ///< before that of each endpoint: "" or "/prefix"

  std::string text() const;       ///< "https://host:8443/prefix"
  std::string authority() const;  ///< "host:8443", "[::1]:8080"
};

/// Reads an address, "http://" may be missing. A "/v1" at the end, which OpenAI's clients want, is dropped.
Result<Url> parse_url(std::string_view text);

}  // namespace halcyon::measure

// A certificate for tests of TLS.
#pragma once

#include <filesystem>

namespace halcyon::test {

/// Two PEM files.
struct Certificate {
  std::filesystem::path cert, key;
};

/// For "localhost" and an hour, signed with its own key.
Certificate self_signed(const std::filesystem::path& folder);

}  // namespace halcyon::test

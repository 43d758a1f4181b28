#include "tests/support/support.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace halcyon::test {
namespace fs = std::filesystem;

fs::path data_dir() { return fs::path(HALCYON_SOURCE_DIR) / "tests" / "data"; }

fs::path conformance_dir() {
  const char* set = std::getenv("HALCYON_CONFORMANCE");
  const fs::path dir = set ? fs::path(set) : fs::path(HALCYON_SOURCE_DIR) / ".." / "shared" / "conformance";
  return fs::exists(dir / "logits.json") ? dir.lexically_normal() : fs::path();
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << "cannot open " << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const fs::path& path, std::string_view bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  EXPECT_TRUE(out.good()) << "cannot write " << path;
}

TemporaryDir::TemporaryDir() {
  std::string name = (fs::temp_directory_path() / "halcyon-test-XXXXXX").string();
  path_ = ::mkdtemp(name.data());
}

TemporaryDir::~TemporaryDir() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace halcyon::test

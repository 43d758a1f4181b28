#include "gguf/summary.h"

#include <gmock/gmock.h>

#include "tests/support/support.h"

namespace halcyon::gguf {
namespace {

TEST(Summary, CountsParametersAndNamesTheTypeOfMostBytes) {
  ASSERT_OK_AND_ASSIGN(const File file,
                       File::open(test::data_dir() / ".." / ".." / "models" / "halcyon-tiny.gguf"));
  const Summary summary = summarise(file);
  // Three layers of four projections, two norms of heads and two of rows and the feed-forward network;
  // embeddings and the norm at the end.
  const uint64_t layer = 2 * 256 * 256 + 2 * 256 * 128 + 3 * 256 * 512 + 2 * 64 + 2 * 256;
  EXPECT_EQ(summary.n_params, 3 * layer + 256 * 2048 + 256);
  EXPECT_EQ(summary.parameter_size, "2.3M");
  EXPECT_EQ(summary.quantization, "Q8_0");
  EXPECT_LT(summary.tensor_bytes, file.size());
}

TEST(Summary, OfNothingIsNothing) {
  const Summary summary = summarise(File());
  EXPECT_EQ(summary.n_params, 0u);
  EXPECT_EQ(summary.quantization, "");
}

}  // namespace
}  // namespace halcyon::gguf

// The figures that follow from what was measured.
#include "bench/result.h"

#include <gmock/gmock.h>

#include "tests/bench/sample.h"

namespace halcyon::bench {
namespace {

using test::sample_result;

TEST(Result, RatesAreThoseOfAllSequencesTogether) {
  CaseResult r = sample_result();
  EXPECT_DOUBLE_EQ(r.rates().median, 100);
  EXPECT_DOUBLE_EQ(r.rates().mean, (100 / 1.0 + 100 / 1.1 + 100 / 0.9) / 3);
  EXPECT_DOUBLE_EQ(r.cold_rate(), 50);
  EXPECT_DOUBLE_EQ(r.cpu_seconds_per_token(), 0.02);
  r.what.n_parallel = 4;
  EXPECT_DOUBLE_EQ(r.rates().median, 400);
  EXPECT_DOUBLE_EQ(r.cpu_seconds_per_token(), 0.005);
}

TEST(Result, FractionsAreOfTheMeanOfBothCalibrations) {
  CaseResult r = sample_result();
  EXPECT_DOUBLE_EQ(r.bytes_per_second(), 2e9);
  EXPECT_DOUBLE_EQ(r.read_fraction(), 0.2);
  EXPECT_DOUBLE_EQ(r.compute_fraction(), 0.08);
  r.after->read.per_second = 30e9;
  r.after->int8_macs.per_second = 300e9;
  EXPECT_DOUBLE_EQ(r.read_fraction(), 0.1);
  EXPECT_DOUBLE_EQ(r.compute_fraction(), 0.04);
}

TEST(Result, EachKindOfMultiplyAddHasItsOwnLimit) {
  CaseResult r = sample_result();
  r.work.float_macs = 2e9;
  r.work.state_macs = 3e9;
  EXPECT_DOUBLE_EQ(r.macs_per_second(), 13e9);
  EXPECT_DOUBLE_EQ(r.compute_fraction(), 8.0 / 100 + 5.0 / 50);
}

TEST(Result, AMachineThatChangesIsUnsteady) {
  CaseResult r = sample_result();
  EXPECT_FALSE(is_unsteady(r));
  r.after->read.per_second = 10.9e9;
  EXPECT_FALSE(is_unsteady(r));
  r.after->read.per_second = 8.9e9;
  EXPECT_TRUE(is_unsteady(r));
  EXPECT_NEAR(drift(r.before, *r.after), 10 / 8.9 - 1, 1e-12);
  r.after.reset();
  EXPECT_FALSE(is_unsteady(r));
}

}  // namespace
}  // namespace halcyon::bench

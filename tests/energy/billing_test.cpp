// Which sensors are added up: each joule once.
#include "energy/billing.h"

#include <gmock/gmock.h>

namespace halcyon::energy {
namespace {

using testing::ElementsAre;
using enum Domain;

/// The domains that are billed of these.
std::vector<Domain> billed(const std::vector<Domain>& domains, std::vector<bool> usable = {}) {
  std::vector<SensorInfo> infos;
  for (const Domain domain : domains) infos.push_back({domain, std::string(name_of(domain)), "test"});
  usable.resize(domains.size(), true);
  std::vector<Domain> chosen;
  for (const size_t i : choose_billed(infos, usable)) chosen.push_back(domains[i]);
  return chosen;
}

TEST(Billing, TheBoardIsEverything) {
  EXPECT_THAT(billed({package, core, dram, board, gpu, battery, cpu_estimate}), ElementsAre(board));
}

TEST(Billing, TheSocHasThePackageInIt) {
  EXPECT_THAT(billed({package, core, soc, cpu_estimate}), ElementsAre(soc));
}

TEST(Billing, AnotherGpuIsNotInTheSoc) {
  EXPECT_THAT(billed({package, soc, gpu, cpu_estimate}), ElementsAre(soc, gpu));
}

TEST(Billing, PackagesHaveTheirCoresInThemButNotTheMemory) {
  EXPECT_THAT(billed({package, core, uncore, dram, package, core, dram, gpu, battery, cpu_estimate}),
              ElementsAre(package, dram, package, dram, gpu));
}

TEST(Billing, TheBatteryIsForWhatCannotBeMeasuredElse) {
  EXPECT_THAT(billed({battery, gpu, cpu_estimate}), ElementsAre(battery));
  EXPECT_THAT(billed({package, battery, cpu_estimate}), ElementsAre(package));
}

TEST(Billing, TheEstimateStandsForAProcessorThatNothingMeasures) {
  EXPECT_THAT(billed({cpu_estimate}), ElementsAre(cpu_estimate));
  EXPECT_THAT(billed({gpu, gpu, cpu_estimate}), ElementsAre(gpu, gpu, cpu_estimate));
}

TEST(Billing, WhatCannotBeReadMakesWayForTheNext) {
  EXPECT_THAT(billed({soc, package, cpu_estimate}, {false}), ElementsAre(package));
  EXPECT_THAT(billed({battery, gpu, cpu_estimate}, {false, false}), ElementsAre(cpu_estimate));
  EXPECT_THAT(billed({package, dram, package, cpu_estimate}, {true, true, false}),
              ElementsAre(package, dram));
}

}  // namespace
}  // namespace halcyon::energy

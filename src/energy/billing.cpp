#include "energy/billing.h"

#include <initializer_list>

namespace halcyon::energy {

std::vector<size_t> choose_billed(const std::vector<SensorInfo>& infos, const std::vector<bool>& usable) {
  const auto there_is = [&](Domain domain) {
    for (size_t i = 0; i < infos.size(); ++i)
      if (usable[i] && infos[i].domain == domain) return true;
    return false;
  };
  const auto all_of = [&](std::initializer_list<Domain> domains) {
    std::vector<size_t> chosen;
    for (size_t i = 0; i < infos.size(); ++i)
      for (const Domain domain : domains)
        if (usable[i] && infos[i].domain == domain) chosen.push_back(i);
    return chosen;
  };
  if (there_is(Domain::board)) return all_of({Domain::board});
  if (there_is(Domain::soc)) return all_of({Domain::soc, Domain::gpu});
  if (there_is(Domain::package)) return all_of({Domain::package, Domain::dram, Domain::gpu});
  if (there_is(Domain::battery)) return all_of({Domain::battery});
  return all_of({Domain::cpu_estimate, Domain::gpu});
}

}  // namespace halcyon::energy

// The machine for people, and for programs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "devices/findings.h"
#include "devices/machine.h"
#include "devices/models.h"

namespace halcyon::devices {

std::string to_text(const Machine& machine, const std::vector<Finding>& findings, const Fits& fits);

nlohmann::json to_json(const Machine& machine, const std::vector<Finding>& findings, const Fits& fits);

}  // namespace halcyon::devices

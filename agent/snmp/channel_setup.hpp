#pragma once

// From the snmp section of a program's configuration to what the SNMP channel wants to be told: the
// part that lrad and dsad share.

#include <string>
#include <vector>

#include "agent/runtime/snmp_configuration.hpp"
#include "snmp_mib/snmp_configuration.hpp"

namespace agent::snmp {

[[nodiscard]] std::vector<snmp_mib::UsmUserConfiguration> usm_users(
    const runtime::SnmpConfiguration& snmp);
[[nodiscard]] snmp_mib::Delivery delivery_of(runtime::SnmpDelivery delivery);

// Who we are and which users there are; role, delivery and peers are the program's.
[[nodiscard]] snmp_mib::SnmpChannelConfiguration channel_of(const runtime::SnmpConfiguration& snmp,
                                                            const std::string& own_name,
                                                            const std::string& state_dir);

}  // namespace agent::snmp

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "agent/core/time.hpp"
#include "snmp_mib/snmp_configuration.hpp"

namespace snmp_mib {

// How a consumer of notifications looks from here.
struct ConsumerStatus {
    std::string address;
    ConsumerVersion version = ConsumerVersion::v3;
    Delivery delivery = Delivery::inform;
    std::size_t queued = 0;
    std::uint64_t delivered = 0;  // informs: acknowledged; traps: sent
    std::uint64_t lost = 0;       // dropped from a full queue or given up after the last attempt
    std::uint64_t resent = 0;
    agent::core::WallTime last_delivered;  // 0: none was
    std::string trouble;                   // empty: nothing is known to be wrong
};

}  // namespace snmp_mib

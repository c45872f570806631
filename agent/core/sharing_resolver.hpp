#pragma once

#include "agent/core/reservation_agent.hpp"

namespace agent::core {

// The domain a port belongs to; empty: none. ISID and address do not count (same_host_port()).
[[nodiscard]] DomainName domain_of(const InitiatorPort& port,
                                   const std::vector<SharingConfiguration::Domain>& domains);

// The domain that every holder belongs to; empty when the drive is not reserved, a holder is in no
// domain or the holders are in several.
[[nodiscard]] DomainName holder_domain_of(const Reservation& reservation,
                                          const std::vector<SharingConfiguration::Domain>& domains);

[[nodiscard]] inline bool holder_is_unknown(const Reservation& reservation) {
    return reservation.state == ReservationState::reserved && reservation.holders.empty();
}

// "fc:2100000e1e09a1b0 (domain payroll)", "an unknown port".
[[nodiscard]] std::string holders_in_words(const Reservation& reservation,
                                           const DomainName& domain);

}  // namespace agent::core

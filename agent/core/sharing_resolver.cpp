#include "agent/core/sharing_resolver.hpp"

namespace agent::core {

DomainName domain_of(const InitiatorPort& port,
                     const std::vector<SharingConfiguration::Domain>& domains) {
    for (const auto& domain : domains) {
        for (const auto& member : domain.ports) {
            if (same_host_port(member, port)) return domain.name;
        }
    }
    return {};
}

DomainName holder_domain_of(const Reservation& reservation,
                            const std::vector<SharingConfiguration::Domain>& domains) {
    if (reservation.state != ReservationState::reserved) return {};
    DomainName common;
    for (const auto& holder : reservation.holders) {
        DomainName domain = domain_of(holder, domains);
        if (domain.empty() || (!common.empty() && domain != common)) return {};
        common = std::move(domain);
    }
    return common;
}

std::string holders_in_words(const Reservation& reservation, const DomainName& domain) {
    if (reservation.holders.empty()) return "an unknown port";
    std::string words;
    for (const auto& holder : reservation.holders) {
        if (!words.empty()) words += ", ";
        words += to_text(holder);
    }
    if (!domain.empty()) words += " (domain " + domain + ")";
    return words;
}

}  // namespace agent::core

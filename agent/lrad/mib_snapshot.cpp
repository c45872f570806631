#include <algorithm>

#include "agent/lrad/controller.hpp"
#include "agent/lrad/operator_snmp.hpp"
#include "agent/runtime/clock.hpp"
#include "snmp_mib/mib_snapshot.hpp"

namespace agent::lrad {

// Everything the SNMP channel and the helpers have turned away, whatever the cause.
std::uint64_t Controller::messages_refused() const {
    std::uint64_t sum = 0;
    if (!operator_snmp_) return sum;
    for (const auto& [cause, count] : operator_snmp_->refusals())
        sum += count;
    return sum;
}

snmp_mib::MibSnapshot Controller::snapshot(std::size_t events_max) const {
    snmp_mib::MibSnapshot snapshot;
    snapshot.scalars = {.controller = configuration_.sharing.controller,
                        .version = LRA_VERSION,
                        .started_at = started_at_.wall,
                        .epoch = store_.epoch(),
                        .reservation_changes = counters_.reservation_changes,
                        .notices_sent = counters_.notices_sent,
                        .confirmations_received = counters_.confirmations_received,
                        .handshakes_incomplete = counters_.handshakes_incomplete,
                        .drives_forced_offline = counters_.drives_forced_offline,
                        .messages_refused = messages_refused(),
                        .notifications_sent = channel_->notification_sequence(),
                        .drive_changes_by_snmp = counters_.drive_changes_by_snmp};
    for (const auto& view : rules_.drives()) {
        const auto description = description_of(view.record.drive);
        std::optional<std::uint16_t> element_address;
        if (description.element_address)
            element_address = static_cast<std::uint16_t>(*description.element_address);
        snapshot.drives.push_back({view, description.vendor, description.product, element_address});
    }
    for (const auto& view : rules_.agents())
        snapshot.agents.push_back({view, address_of(view.record.agent)});
    snapshot.handshakes = rules_.handshakes(runtime::clock_now().monotonic);
    snapshot.alarms = rules_.active_alarms();
    snapshot.consumers = channel_->consumers();
    snapshot.pair = pair_of_mib();
    if (events_max == 0) return snapshot;
    const auto events = store_.events({.limit = events_max, .newest_first = true});
    if (events) {
        for (const auto& event : *events) {
            snapshot.events.push_back({static_cast<std::uint32_t>(event.number), event.record});
        }
        std::reverse(snapshot.events.begin(), snapshot.events.end());
    }
    return snapshot;
}

}  // namespace agent::lrad

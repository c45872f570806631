#include <algorithm>

#include "agent/lrad/controller.hpp"
#include "agent/runtime/clock.hpp"
#include "snmp_mib/mib_snapshot.hpp"

namespace agent::lrad {

namespace {

// Everything the SNMP channel has turned away, whatever the cause.
std::uint64_t messages_refused(const snmp_mib::SnmpCounters& counters) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < snmp_mib::snmp_count_kinds; ++i) {
        const auto what = static_cast<snmp_mib::SnmpCount>(i);
        const auto name = snmp_mib::to_text(what);
        if (name.starts_with("dropped_") || name.starts_with("refused_")) sum += counters.of(what);
    }
    return sum;
}

}  // namespace

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
                        .messages_refused = messages_refused(channel_->counters())};
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

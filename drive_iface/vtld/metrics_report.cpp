#include "drive_iface/vtld/metrics_report.hpp"

#include "agent/metrics/metric_text.hpp"
#include "agent/metrics/process_metrics.hpp"
#include "agent/runtime/clock.hpp"
#include "drive_iface/vtld/event_channels.hpp"

namespace drive_iface::vtld {

namespace {

using agent::metrics::MetricText;
using Drives = std::vector<virtual_library::Library::DriveStatus>;

void add_virtual_drives(MetricText& text, const Drives& drives) {
    text.gauge("hw_status", "1 for the state the hardware is in (OpenTelemetry hw.status).");
    for (const auto& drive : drives) {
        for (const std::string_view state : {"ok", "degraded", "failed"}) {
            const std::string_view now = !drive.medium_error.empty() ? "failed"
                                         : drive.forced_offline      ? "degraded"
                                                                     : "ok";
            text.sample(now == state ? 1U : 0U, {{"hw_id", drive.serial},
                                                 {"hw_type", "tape_drive"},
                                                 {"hw_vendor", drive.vendor},
                                                 {"hw_model", drive.product},
                                                 {"hw_state", state}});
        }
    }
    text.gauge("vtl_drive_reserved", "Whether a host has reserved the drive.");
    for (const auto& drive : drives) {
        const bool reserved = drive.reservation.state == agent::core::ReservationState::reserved;
        text.sample(reserved ? 1U : 0U, {{"drive", drive.serial}});
    }
    text.gauge("vtl_drive_forced_offline", "Whether it reports a permanent error to every host.");
    for (const auto& drive : drives)
        text.sample(drive.forced_offline ? 1U : 0U, {{"drive", drive.serial}});
    text.gauge("vtl_drive_hosts", "Host ports that are logged in.");
    for (const auto& drive : drives)
        text.sample(drive.logged_in.size(), {{"drive", drive.serial}});
    text.gauge("vtl_drive_registrations", "Keys registered for persistent reservations.");
    for (const auto& drive : drives)
        text.sample(drive.registrations, {{"drive", drive.serial}});
    text.gauge("vtl_drive_medium_info", "The cartridge in the drive; always 1.");
    for (const auto& drive : drives) {
        if (!drive.barcode.empty()) {
            text.sample(
                1, {{"drive", drive.serial}, {"barcode", drive.barcode}, {"medium", drive.medium}});
        }
    }
}

void add_front_end(MetricText& text, const iscsi::ServerCounters& counters) {
    text.counter("vtl_iscsi_total", "Connections and logins over iSCSI, by what became of them.");
    text.sample(counters.connections, {{"what", "connections"}});
    text.sample(counters.connections_refused, {{"what", "connections_refused"}});
    text.sample(counters.logins, {{"what", "logins"}});
    text.sample(counters.logins_refused, {{"what", "logins_refused"}});
    text.sample(counters.garbage, {{"what", "garbage"}});
    text.sample(counters.timeouts, {{"what", "timeouts"}});
}

void add_event_channels(MetricText& text, const EventChannels& events) {
    const auto& channels = events.channels();
    text.gauge("vtl_events_connected", "Whether the drives reach a library reservation agent.");
    for (const auto& [agent, client] : channels)
        text.sample(client->is_connected() ? 1U : 0U, {{"agent", agent}});
    text.gauge("vtl_events_unacknowledged", "Events that it has not acknowledged.");
    for (const auto& [agent, client] : channels)
        text.sample(client->unacknowledged(), {{"agent", agent}});
    text.counter("vtl_events_total", "Events of the drives, by what became of them.");
    for (const auto& [agent, client] : channels) {
        const auto& counters = client->counters();
        text.sample(counters.sent, {{"agent", agent}, {"what", "sent"}});
        text.sample(counters.acknowledged, {{"agent", agent}, {"what", "acknowledged"}});
        text.sample(counters.refused, {{"agent", agent}, {"what", "refused"}});
    }
}

}  // namespace

std::string library_metrics(const Running& running) {
    MetricText text;
    text.gauge("vtl_library_info", "Serial number and version of the library; always 1.");
    text.sample(1, {{"library", running.configuration->library.serial}, {"version", LRA_VERSION}});
    text.gauge("vtl_start_time_seconds", "When it started; counters begin there.");
    text.seconds(agent::runtime::clock_now().wall.ms - running.uptime_ms());
    add_virtual_drives(text, running.bay->drives());
    add_front_end(text, running.server->counters());
    if (running.events != nullptr) add_event_channels(text, *running.events);
    agent::metrics::add_process_metrics(text);
    return text.text();
}

}  // namespace drive_iface::vtld

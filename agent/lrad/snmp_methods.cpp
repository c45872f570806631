// SNMP for operators, as the controller does it: consumers of notifications as lractl shows them,
// and drives that somebody changes by SNMP SET, with the same rules and the same audit trail as at
// the control socket.

#include <nlohmann/json.hpp>
#include <utility>

#include "agent/lrad/controller.hpp"
#include "agent/lrad/operator_snmp.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/runtime/log.hpp"

namespace agent::lrad {

using nlohmann::json;

core::Outcome Controller::open_operator_snmp() {
    operator_snmp_ = std::make_unique<OperatorSnmp>(
        loop_, *channel_,
        OperatorSnmp::Doors{
            .snapshot = [this] { return snapshot(snmp_mib::mib_events_max); },
            .change_drive =
                [this](const snmp_mib::DriveChange& change) { return change_by_snmp(change); },
            .refused = [this](const core::MessagesRefused& told) { take(told); },
            .active_alarms = [this] { return rules_.active_alarms().size(); }});
    return operator_snmp_->follow(configuration_);
}

core::Outcome Controller::change_by_snmp(const snmp_mib::DriveChange& change) {
    const core::DriveSerial drive{change.drive};
    const std::string actor = "SNMP user " + change.user + " at " + change.address;
    const auto view = view_of(drive);
    if (!view || failed_) return core::Error{"no drive " + change.drive};
    if (const auto elsewhere = not_here()) {
        runtime::log_warning(actor + " is refused: drive " + drive.text + ": " +
                             elsewhere->message);
        return core::Error{elsewhere->message};
    }
    if (change.only_ask) return core::Nothing{};
    const auto wanted =
        change.offline ? core::OperationalState::forced_offline : core::OperationalState::online;
    if (auto changed = change_drive(drive, wanted, actor, change.reason); !changed) {
        runtime::log_error(changed.error().within(actor + " is refused").message);
        return changed;
    }
    ++counters_.drive_changes_by_snmp;
    return core::Nothing{};
}

json Controller::consumers_json() const {
    json consumers = json::array();
    for (const auto& consumer : channel_->consumers()) {
        consumers.push_back(
            {{"address", consumer.address},
             {"version", consumer.version == snmp_mib::ConsumerVersion::v3 ? "3" : "2c"},
             {"delivery", consumer.delivery == snmp_mib::Delivery::inform ? "inform" : "trap"},
             {"queued", consumer.queued},
             {"delivered", consumer.delivered},
             {"lost", consumer.lost},
             {"resent", consumer.resent},
             {"last_delivered", consumer.last_delivered.ms == 0
                                    ? json()
                                    : json(runtime::to_text(consumer.last_delivered))},
             {"trouble", consumer.trouble}});
    }
    return consumers;
}

json Controller::helpers_json() const {
    json helpers = json::object();
    for (const auto& [name, status] : operator_snmp_->helpers()) {
        json& one = helpers[name];
        one = {{"running", status.running},
               {"pid", status.pid},
               {"starts", status.starts},
               {"trouble", status.trouble},
               {"snapshots_sent", status.snapshots_sent},
               {"snapshots_skipped", status.snapshots_skipped},
               {"counts", status.counts}};
        if (name == "agentx") {
            one["master_connected"] = status.master_connected;
        } else {
            one["port"] = status.listen_port;
        }
    }
    return helpers;
}

void Controller::serve_consumers() {
    control_->on("notice.consumers", [this](const json&, const runtime::Caller&) {
        return runtime::ControlAnswer(consumers_json());
    });
    control_->on("notice.test", [this](const json&, const runtime::Caller& caller) {
        channel_->announce_test("test notification, asked for by " + runtime::to_text(caller));
        return runtime::ControlAnswer(json{{"sent_to", consumers_json()}});
    });
}

}  // namespace agent::lrad

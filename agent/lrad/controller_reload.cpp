// A configuration that is read again while lrad runs: whatever can fail comes before anything is
// changed.

#include <algorithm>
#include <utility>

#include "agent/lrad/controller.hpp"
#include "agent/lrad/drive_setup.hpp"
#include "agent/lrad/operator_snmp.hpp"
#include "agent/lrad/pair_part.hpp"
#include "agent/lrad/snmp_setup.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/runtime/log.hpp"
#include "agent/snmp/channel_setup.hpp"

namespace agent::lrad {

using runtime::clock_now;

namespace {

// What is bound or opened at the start and stays until the end.
std::string needs_restart(const runtime::LradConfiguration& now,
                          const runtime::LradConfiguration& next) {
    if (now.sharing.controller != next.sharing.controller) return "controller.id";
    if (now.state_dir != next.state_dir) return "controller.state_dir";
    if (now.control_socket != next.control_socket) return "control.socket";
    if (now.events_listen != next.events_listen) return "events.listen";
    if (now.events_tls != next.events_tls) return "events.tls";
    if (now.snmp.listen != next.snmp.listen) return "snmp.listen";
    if (now.snmp.mib_listen != next.snmp.mib_listen) return "snmp.mib_listen";
    if (now.snmp.agentx != next.snmp.agentx) return "snmp.agentx";
    if (now.snmp.engine_id != next.snmp.engine_id) return "snmp.engine_id";
    if (now.metrics != next.metrics) return "metrics";
    if (now.mounts != next.mounts) return "mounts";
    if (now.pair != next.pair) return "pair";
    return "";
}

}  // namespace

core::Outcome Controller::reconfigure(runtime::LradConfiguration configuration) {
    if (const auto setting = needs_restart(configuration_, configuration); !setting.empty()) {
        return core::Error{setting + " can not change while lrad runs: restart it"};
    }
    if (auto can = hosts_->can_follow(configuration); !can) return can.error();
    if (auto can = can_change_actuators(configuration); !can) return can.error();
    for (const auto& drive :
         configuration.drives) {  // whatever can fail comes before anything is changed
        if (auto interface = paths_.make_interface(drive, configuration.sharing.controller);
            !interface) {
            return interface.error().within("drive " + drive.serial.text);
        }
        if (auto actuator = make_actuator(loop_, drive, event_server_.get(),
                                          configuration.sharing.controller, nullptr, acting_door());
            !actuator) {
            return actuator.error().within("drive " + drive.serial.text);
        }
    }
    if (auto set =
            channel_->reconfigure(agent_peers(configuration), snmp::usm_users(configuration.snmp),
                                  consumers_configuration(configuration));
        !set) {
        return set.error().within("snmp");
    }
    const bool same_settle = settle_of(configuration_) == settle_of(configuration);
    hear_before_a_timeout();
    configuration_ = std::move(configuration);
    if (auto followed = hosts_->follow(configuration_); !followed)
        runtime::log_error(followed.error().message);
    if (auto listening = listen_to_libraries(); !listening)
        runtime::log_error(listening.error().within("snmp.hints").message);
    if (auto followed = operator_snmp_->follow(configuration_); !followed)
        runtime::log_error(followed.error().message);
    const auto effects = rules_.reconfigure(sharing_in_force(), clock_now());
    const auto renewed = replace_drives(same_settle);
    std::map<core::DriveSerial, std::optional<DriveOrder>> unanswered;
    for (const auto& serial : renewed)
        unanswered.emplace(serial, orders_.take(serial));
    carry_out(effects);
    end_alarms_of_no_host();
    if (pair_) pair_->left_over = PairPart::LeftOver::to_be_looked_for;
    for (const auto& [serial, order] : unanswered)
        take_up_again(serial, order);
    return core::Nothing{};
}

// What was made offline in one way is brought back in the same. An order that is still open is
// given to the new actuator: the old one may be what hangs.
core::Outcome Controller::can_change_actuators(const runtime::LradConfiguration& wanted) const {
    for (const auto& drive : wanted.drives) {
        const auto known = drives_.find(drive.serial);
        if (known == drives_.end() || orders_.is_open(drive.serial)) continue;
        const auto& before = known->second.configuration;
        if (before.actuator == drive.actuator && before.actuator_argv == drive.actuator_argv)
            continue;
        const auto view = view_of(drive.serial);
        if (view && view->record.operational_state == core::OperationalState::forced_offline) {
            return core::Error{"drive " + drive.serial.text +
                               " is forced offline, and its offline.actuator can not change until "
                               "`lractl drive clear " +
                               drive.serial.text + " --reason TEXT` has brought it back"};
        }
    }
    return core::Nothing{};
}

// Which of the drives there were are watched anew, or no more.
std::vector<core::DriveSerial> Controller::replace_drives(bool same_settle) {
    std::map<core::DriveSerial, Drive> before = std::exchange(drives_, {});
    for (const auto& drive : configuration_.drives) {
        const auto known = before.find(drive.serial);
        if (known != before.end() && known->second.configuration == drive && same_settle) {
            drives_.insert(before.extract(known));
        } else if (auto opened = open_drive(drive); !opened) {
            runtime::log_error(opened.error().within("drive " + drive.serial.text).message);
        }
    }
    std::vector<core::DriveSerial> renewed;
    for (const auto& [serial, drive] : before) {
        drive.watch->begin_to_stop();
        renewed.push_back(serial);
    }
    return renewed;
}

// Whoever was asked on the drive's old way answers no more: a release under way ends, events are
// looked into anew, and an order to go offline, or back, is given again on the new way, unless the
// new configuration has led to a newer one.
void Controller::take_up_again(const core::DriveSerial& serial,
                               const std::optional<DriveOrder>& order) {
    if (const auto run = releases_.find(serial); run != releases_.end())
        end_release(std::shared_ptr(run->second), false, "its configuration was changed meanwhile");
    const bool gone = !drives_.contains(serial);
    for (auto taken = events_being_taken_.lower_bound({serial, 0});
         taken != events_being_taken_.end() && taken->first.first == serial;) {
        const auto [drive, seq] = taken->first;
        taken = gone ? events_being_taken_.erase(taken) : std::next(taken);
        if (!gone) watch_event(drive, seq);
    }
    if (gone || orders_.is_open(serial)) return;
    if (order) return carry_out_order(*order);
    if (const auto view = view_of(serial);
        view && view->record.operational_state != core::OperationalState::online)
        force_offline({serial, view->record.offline_reason});
}

}  // namespace agent::lrad

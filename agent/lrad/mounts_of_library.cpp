// The controller's part in mounting volumes: what it knows of drives and hosts, and its event log.

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/lrad/controller.hpp"
#include "agent/lrad/mount_setup.hpp"
#include "agent/mounts/mount_json.hpp"
#include "agent/mounts/mount_methods.hpp"
#include "agent/runtime/clock.hpp"

namespace agent::lrad {

using nlohmann::json;

// Before the control server listens.
core::Outcome Controller::open_mounts() {
    if (!configuration_.mounts) {
        mounts::refuse_mounts(*control_);
        return core::Nothing{};
    }
    const auto& section = *configuration_.mounts;
    if (auto readable = changer_secret_is_readable(configuration_); !readable)
        return readable.error().within("mounts.changer");
    if (!pair_) {
        if (auto opened = open_own_mounts(section); !opened) return opened.error();
    }
    mounts::MountMethodDoors doors;
    doors.deadline = section.deadline;
    doors.not_now = [this]() -> std::optional<mounts::MountFault> {
        if (!pair_) return std::nullopt;
        return why_not_mounting(mounts_ != nullptr);
    };
    serve_mount_methods(std::move(doors));
    return core::Nothing{};
}

// The table of a controller that serves its library alone.
core::Outcome Controller::open_own_mounts(const runtime::MountsConfiguration& section) {
    auto changer = make_changer(configuration_);
    if (!changer) return changer.error().within("mounts.changer");
    auto table = open_drive_table(section, configuration_.state_dir);
    if (!table) return table.error().within("mounts");
    auto service =
        mounts::MountService::open(loop_, mount_options(section), std::move(table).value(),
                                   std::move(changer).value(), mount_doors());
    if (!service) return service.error().within("mounts");
    mounts_ = std::move(service).value();
    return core::Nothing{};
}

void Controller::serve_mount_methods(mounts::MountMethodDoors doors) {
    doors.audit = [this](const runtime::Caller& caller, const std::string& action,
                         const std::string& subject, const std::string& reason) {
        const auto actor = runtime::to_text(caller);
        auto noted =
            store_.append_audit({runtime::clock_now().wall, actor, action, subject, reason});
        if (noted) note_mount(core::Message::mount_state_set, "", {subject, action, actor, reason});
        return noted;
    };
    doors.hosts = [this] {
        std::vector<std::string> names;
        for (const auto& agent : configuration_.agents)
            names.push_back(agent.name);
        return names;
    };
    doors.pass_on = [this](const std::string& method, const json& params,
                           const runtime::Caller& caller,
                           const runtime::ControlServer::Answerer& answer) {
        return pass_on(method, params, caller, answer);
    };
    open_mount_answers_ = doors.open_answers;
    take_requests_by(mounts::serve_mounts(
        *control_, [this] { return mounts_; }, std::move(doors)));
}

mounts::MountDoors Controller::mount_doors() {
    mounts::MountDoors doors;
    doors.on_drive = [this](const std::string& serial, drive_iface::DriveJob job) {
        const auto found = drives_.find(core::DriveSerial{serial});
        if (found != drives_.end()) return found->second.watch->run(std::move(job));
        asio::post(loop_, [done = std::move(job.done), serial] {
            done(core::Error{"drive " + serial + " is not in the configuration"});
        });
    };
    doors.known_drives = [this](const std::string&) { return drives_for_mounts(); };
    doors.preferred_drives = [this](const std::string& host) {
        for (const auto& preference : configuration_.mounts->preferences) {
            if (preference.host == host) return preference.drives;
        }
        return std::vector<std::string>{};
    };
    doors.reachable_drives = [this] {
        std::vector<mounts::ReachableDrive> reachable;
        for (const auto& [serial, drive] : drives_) {
            if (!drive.watch->is_polled()) continue;
            mounts::ReachableDrive entry{serial.text, drive.configuration.element_address, "", ""};
            if (const auto identity = drive.watch->identity()) entry.product = identity->product;
            for (const auto& named : configuration_.mounts->drives) {
                if (named.serial == serial.text) entry.generation = named.generation;
            }
            reachable.push_back(std::move(entry));
        }
        return reachable;
    };
    doors.acting = acting_door();
    doors.note = [this](core::Message message, const std::string& drive,
                        const std::vector<std::string>& words) {
        note_mount(message, drive, words);
    };
    return doors;
}

// A drive that somebody has reserved is nobody else's: its other hosts have it offline.
std::vector<claims::KnownDrive> Controller::drives_for_mounts() const {
    std::vector<claims::KnownDrive> known;
    for (const auto& view : rules_.drives()) {
        const auto found = drives_.find(view.record.drive);
        claims::KnownDrive drive{view.record.drive.text, claims::DriveCondition::usable};
        if (found == drives_.end() || !found->second.watch->is_polled()) {
            drive.condition = claims::DriveCondition::no_path;
        } else if (view.operational_state() != core::OperationalState::online) {
            drive.condition = claims::DriveCondition::offline;
        } else if (view.record.reservation.state == core::ReservationState::reserved) {
            drive.condition = claims::DriveCondition::reserved_other;
        }
        known.push_back(std::move(drive));
    }
    return known;
}

void Controller::note_mount(core::Message message, const std::string& drive,
                            const std::vector<std::string>& words) {
    carry_out({core::RecordEvent{mount_event(message, drive, words)}});
}

// What the drive table says of a drive: null where there is none.
json Controller::mount_of(const core::DriveSerial& serial) const {
    if (!mounts_) return nullptr;
    const auto& rows = mounts_->last_drives();
    const auto found = rows.find(serial.text);
    return found == rows.end() ? json() : mounts::drive_row_json(found->second);
}

}  // namespace agent::lrad

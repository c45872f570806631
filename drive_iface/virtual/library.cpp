#include "drive_iface/virtual/library.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "agent/core/assert.hpp"
#include "drive_iface/virtual/drive.hpp"
#include "drive_iface/virtual/nonvolatile.hpp"
#include "drive_iface/virtual/replies.hpp"

namespace drive_iface::virtual_library {

using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using agent::core::Result;

class Library::State {
  public:
    State(CartridgeShelf& from, ParallelCartridges* views, VirtualVolumes* made_up)
        : shelf(&from), parallel(views), volumes(made_up) {}

    // Events nobody takes are dropped, oldest first: each carries the whole reservation, so the
    // newest says it all.
    static constexpr std::size_t events_max = 4096;

    CartridgeShelf* shelf;
    ParallelCartridges* parallel;
    VirtualVolumes* volumes;
    std::function<void()> progress;
    std::vector<Drive> drives;
    std::map<NexusId, std::size_t> drive_of;  // index into drives
    std::uint64_t last_nexus = 0;
    std::vector<LibraryEvent> events;

    Drive* find(const std::string& serial) {
        const auto found = std::find_if(
            drives.begin(), drives.end(),
            [&serial](const Drive& drive) { return drive.unit().identity.serial == serial; });
        return found == drives.end() ? nullptr : &*found;
    }

    Drive* find(NexusId nexus) {
        const auto found = drive_of.find(nexus);
        return found == drive_of.end() ? nullptr : &drives[found->second];
    }

    void limit_events() {
        if (events.size() <= events_max) return;
        events.erase(events.begin(), events.end() - events_max);
    }
};

namespace {

Error unknown_drive(const std::string& serial) {
    return Error{"the virtual library has no drive " + serial};
}

Library::DriveStatus status_of(const Drive& drive) {
    const LogicalUnit& unit = drive.unit();
    Library::DriveStatus status{.serial = unit.identity.serial,
                                .vendor = unit.identity.vendor,
                                .product = unit.identity.product,
                                .element_address = drive.state().element_address,
                                .parallel = drive.state().tape.parallel != nullptr,
                                .reservation = unit.reservations.described(),
                                .forced_offline = unit.forced_offline,
                                .forced_offline_reason = unit.forced_offline_reason,
                                .logged_in = {},
                                .registrations = unit.reservations.registrations().size()};
    for (const auto& [id, nexus] : unit.nexuses)
        status.logged_in.push_back(nexus.port);
    return status;
}

}  // namespace

Library::Library(LibraryDescription description, CartridgeShelf& shelf,
                 ParallelCartridges* parallel, VirtualVolumes* volumes)
    : state_(std::make_unique<State>(shelf, parallel, volumes)) {
    for (auto& drive : description.drives) {
        AGENT_ASSERT(state_->find(drive.serial) == nullptr);
        state_->drives.emplace_back(DriveIdentity{.vendor = description.vendor,
                                                  .product = std::move(drive.product),
                                                  .serial = std::move(drive.serial),
                                                  .element_address = drive.element_address});
    }
}

Library::~Library() = default;
Library::Library(Library&&) noexcept = default;
Library& Library::operator=(Library&&) noexcept = default;

Result<NexusId> Library::nexus_established(const std::string& drive_serial,
                                           const agent::core::InitiatorPort& port) {
    Drive* drive = state_->find(drive_serial);
    if (drive == nullptr) return unknown_drive(drive_serial);
    const NexusId nexus{state_->last_nexus + 1};
    const Outcome outcome =
        virtual_library::nexus_established(drive->unit(), nexus, port, state_->events);
    if (!outcome) return outcome.error();
    state_->last_nexus = nexus.value;
    const auto index = static_cast<std::size_t>(drive - state_->drives.data());
    // The drive itself ends an older nexus of the same port.
    std::erase_if(state_->drive_of, [drive, index](const auto& entry) {
        return entry.second == index && !drive->unit().nexuses.contains(entry.first);
    });
    state_->drive_of.emplace(nexus, index);
    state_->limit_events();
    return nexus;
}

void Library::nexus_lost(NexusId nexus) {
    Drive* drive = state_->find(nexus);
    if (drive == nullptr) return;
    virtual_library::nexus_lost(drive->unit(), nexus, state_->events);
    state_->drive_of.erase(nexus);
    state_->limit_events();
}

Answer Library::execute(NexusId nexus, std::uint64_t lun, std::span<const std::uint8_t> cdb,
                        Bytes& data_out) {
    Drive* drive = state_->find(nexus);
    if (drive == nullptr)
        return check_condition(scsi::SenseKey::aborted_command, scsi::additional_sense::nexus_loss);
    Answer answer = drive->execute(nexus, lun, cdb, data_out, state_->events);
    state_->limit_events();
    return answer;
}

void Library::abandon(NexusId nexus) {
    if (Drive* drive = state_->find(nexus)) virtual_library::abandon(drive->unit(), nexus);
}

void Library::on_progress(std::function<void()> progress) {
    state_->progress = std::move(progress);
}

void Library::proceed() {}

std::size_t Library::data_out_length(NexusId nexus, std::span<const std::uint8_t> cdb) const {
    const Drive* drive = state_->find(nexus);
    return drive == nullptr ? 0 : drive->data_out_length(cdb);
}

bool Library::manage(NexusId nexus, std::uint64_t lun, TaskManagement function) {
    Drive* drive = state_->find(nexus);
    if (drive == nullptr) return false;
    const bool complete = drive->manage(nexus, lun, function, state_->events);
    state_->limit_events();
    return complete;
}

Outcome Library::force_offline(const std::string& drive_serial, const std::string& reason) {
    Drive* drive = state_->find(drive_serial);
    if (drive == nullptr) return unknown_drive(drive_serial);
    virtual_library::force_offline(drive->unit(), reason, state_->events);
    state_->limit_events();
    return Nothing{};
}

Outcome Library::lift_forced_offline(const std::string& drive_serial) {
    Drive* drive = state_->find(drive_serial);
    if (drive == nullptr) return unknown_drive(drive_serial);
    virtual_library::lift_forced_offline(drive->unit(), state_->events);
    state_->limit_events();
    return Nothing{};
}

void Library::power_cycle() {
    for (Drive& drive : state_->drives)
        drive.power_cycle(state_->events);
    state_->limit_events();
}

std::vector<LibraryEvent> Library::take_events() {
    return std::exchange(state_->events, {});
}

std::vector<Library::DriveStatus> Library::drives() const {
    std::vector<DriveStatus> all;
    for (const Drive& drive : state_->drives)
        all.push_back(status_of(drive));
    return all;
}

std::string Library::nonvolatile_state() const {
    NonvolatileDrives kept;
    for (const Drive& drive : state_->drives) {
        const LogicalUnit& unit = drive.unit();
        NonvolatileDrive entry;
        if (unit.forced_offline) entry.forced_offline_reason = unit.forced_offline_reason;
        if (unit.reservations.persists_through_power_loss()) {
            entry.registrations = unit.reservations.registrations();
            entry.reservation = unit.reservations.persistent();
        }
        kept.emplace(unit.identity.serial, std::move(entry));
    }
    return to_text(kept);
}

Outcome Library::restore(const std::string& nonvolatile_state) {
    auto kept = nonvolatile_from_text(nonvolatile_state);
    if (!kept) return kept.error();
    // All or nothing: look first, then change.
    for (const auto& [serial, entry] : *kept) {
        Reservations trial;
        if (!trial.restore(entry.registrations, entry.reservation)) {
            return Error{"state of the virtual library: drive " + serial +
                         ": the reservation and the registrations contradict each other"};
        }
    }
    for (auto& [serial, entry] : kept.value()) {
        Drive* drive = state_->find(serial);
        if (drive == nullptr) continue;  // taken out of the configuration
        LogicalUnit& unit = drive->unit();
        static_cast<void>(unit.reservations.restore(std::move(entry.registrations),
                                                    std::move(entry.reservation)));
        unit.forced_offline = entry.forced_offline_reason.has_value();
        unit.forced_offline_reason = entry.forced_offline_reason.value_or("");
    }
    return Nothing{};
}

}  // namespace drive_iface::virtual_library

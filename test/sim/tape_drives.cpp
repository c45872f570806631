#include "test/sim/tape_drives.hpp"

#include <algorithm>
#include <utility>

#include "drive_iface/scsi/opcodes.hpp"
#include "drive_iface/scsi/persistent_reserve.hpp"
#include "drive_iface/scsi/reserve.hpp"

namespace sim {

using namespace agent::core;
namespace scsi = drive_iface::scsi;
namespace vl = drive_iface::virtual_library;

namespace {

constexpr std::int64_t event_grace_ms = 100;
constexpr std::uint32_t failed_looks_until_unreachable = 2;

vl::LibraryDescription description_of(const Plan& plan) {
    vl::LibraryDescription description{
        .vendor = "EXAMPLE", .product = "SIM-LIBRARY", .serial = "SIM0001", .drives = {}};
    std::uint16_t element = 256;
    for (const auto& drive : plan.sharing.drives) {
        description.drives.push_back({.serial = drive.serial.text,
                                      .product = "SIM-TAPE",
                                      .element_address = element++,
                                      .cartridge = drive.serial.text});
    }
    return description;
}

// A blank cartridge for each drive.
vl::MemoryShelf shelf_of(const Plan& plan) {
    vl::MemoryShelf shelf;
    for (const auto& drive : plan.sharing.drives)
        shelf.add({.barcode = drive.serial.text, .capacity = 1'000'000'000});
    return shelf;
}

std::uint64_t key_of(const InitiatorPort& port) {
    std::uint64_t key = 0;
    for (const char c : port.name) {
        key = key * 31 + static_cast<unsigned char>(c);
    }
    return key | 1U;
}

scsi::Bytes parameters(std::uint64_t key, std::uint64_t service_action_key) {
    scsi::PrOutParameters out;
    out.reservation_key = key;
    out.service_action_reservation_key = service_action_key;
    return std::move(scsi::encode_pr_out_parameters(out)).value();
}

// As far as a third party can compare an event with what it reads.
bool agree(const Reservation& event, const Reservation& reading) {
    if (event.state != reading.state) return false;
    if (event.state == ReservationState::free) return true;
    const bool event_is_persistent = event.kind == ReservationKind::persistent;
    return event_is_persistent == (reading.kind == ReservationKind::persistent) &&
           event.persistent == reading.persistent;
}

}  // namespace

TapeDrives::TapeDrives(const Plan& plan, Bug bug, Timeline& timeline, Random& random)
    : plan_(plan),
      bug_(bug),
      timeline_(timeline),
      random_(random),
      shelf_(shelf_of(plan)),
      library_(description_of(plan), shelf_),
      own_port_{Transport::iscsi, "iqn.2001-04.com.example:library-1", "00023d0000ff",
                "192.0.2.1"} {
    for (const auto& drive : plan.sharing.drives) {
        tapes_[drive.serial];
    }
    refresh_truth();
}

vl::CommandReply TapeDrives::execute(Tape& tape, const DriveSerial& drive,
                                     const InitiatorPort& port, std::span<const std::uint8_t> cdb,
                                     std::span<const std::uint8_t> data_out) {
    auto nexus = tape.nexuses.find(port.name);
    if (nexus == tape.nexuses.end()) {
        const auto established = library_.nexus_established(drive.text, port);
        nexus = tape.nexuses.emplace(port.name, established.value()).first;
    }
    vl::CommandReply reply;
    // Unit attentions are reported once each and say nothing that matters here.
    for (int attempt = 0; attempt < 8; ++attempt) {
        vl::Bytes sent(data_out.begin(), data_out.end());
        reply = library_.execute(nexus->second, 0, cdb, sent).value();  // memory never waits
        if (reply.status != vl::Status::check_condition) break;
        const bool unit_attention = reply.sense.size() > 2 && (reply.sense[2] & 0x0fU) == 0x06U;
        if (!unit_attention) break;
    }
    return reply;
}

bool TapeDrives::good(Tape& tape, const DriveSerial& drive, const InitiatorPort& port,
                      std::span<const std::uint8_t> cdb, std::span<const std::uint8_t> data_out) {
    return execute(tape, drive, port, cdb, data_out).status == vl::Status::good;
}

bool TapeDrives::reserve_persistently(Tape& tape, const DriveSerial& drive,
                                      const InitiatorPort& port, std::uint8_t type) {
    const auto register_cdb = scsi::persistent_reserve_out_cdb(
        scsi::PrOutAction::register_and_ignore_existing_key, 0, 24);
    const auto registration = parameters(0, key_of(port));
    if (!good(tape, drive, port, register_cdb, registration)) return false;
    const auto reserve_cdb = scsi::persistent_reserve_out_cdb(scsi::PrOutAction::reserve, type, 24);
    return good(tape, drive, port, reserve_cdb, parameters(key_of(port), 0));
}

bool TapeDrives::reserve(const DriveSerial& drive, const InitiatorPort& port, int how) {
    Tape& tape = tapes_.at(drive);
    bool held = false;
    if (how == 0) {
        held = good(tape, drive, port, scsi::reserve_6_cdb(), {});
    } else if (how == 1) {
        held = good(tape, drive, port, scsi::reserve_10_cdb(), {});
    } else {
        held = reserve_persistently(tape, drive, port, how == 2 ? 3 : 6);
    }
    collect_events();
    return held;
}

void TapeDrives::release(const DriveSerial& drive, const InitiatorPort& port) {
    Tape& tape = tapes_.at(drive);
    const Reservation held = tape.truth;
    if (held.kind == ReservationKind::persistent) {
        const auto cdb = scsi::persistent_reserve_out_cdb(
            scsi::PrOutAction::register_and_ignore_existing_key, 0, 24);
        (void)execute(tape, drive, port, cdb, parameters(0, 0));
    } else if (held.kind == ReservationKind::reserve10) {
        (void)execute(tape, drive, port, scsi::release_10_cdb(), {});
    } else {
        (void)execute(tape, drive, port, scsi::release_6_cdb(), {});
    }
    collect_events();
}

void TapeDrives::preempt(const DriveSerial& drive, const InitiatorPort& port) {
    Tape& tape = tapes_.at(drive);
    if (tape.truth.kind != ReservationKind::persistent || !tape.truth.persistent) return;
    const auto register_cdb = scsi::persistent_reserve_out_cdb(
        scsi::PrOutAction::register_and_ignore_existing_key, 0, 24);
    if (!good(tape, drive, port, register_cdb, parameters(0, key_of(port)))) return;
    const auto cdb = scsi::persistent_reserve_out_cdb(scsi::PrOutAction::preempt,
                                                      tape.truth.persistent->type, 24);
    (void)execute(tape, drive, port, cdb, parameters(key_of(port), tape.truth.persistent->key));
    collect_events();
}

void TapeDrives::reset(const DriveSerial& drive, const InitiatorPort& port) {
    Tape& tape = tapes_.at(drive);
    (void)execute(tape, drive, port, scsi::test_unit_ready_cdb(), {});  // logs in
    (void)library_.manage(tape.nexuses.at(port.name), 0, vl::TaskManagement::logical_unit_reset);
    collect_events();
}

void TapeDrives::lose_nexus(const DriveSerial& drive, const InitiatorPort& port) {
    Tape& tape = tapes_.at(drive);
    const auto nexus = tape.nexuses.find(port.name);
    if (nexus == tape.nexuses.end()) return;
    library_.nexus_lost(nexus->second);
    tape.nexuses.erase(nexus);
    collect_events();
}

void TapeDrives::refresh_truth() {
    for (const auto& status : library_.drives()) {
        Tape& tape = tapes_.at({status.serial});
        if (tape.truth != status.reservation) ++tape.changes;
        tape.truth = status.reservation;
        tape.refuses = status.forced_offline;
    }
}

void TapeDrives::collect_events() {
    const auto events = library_.take_events();
    if (events.empty()) return;
    for (const auto& event : events) {
        using Change = vl::LibraryEvent::Change;
        const bool about_reservation =
            event.change == Change::reserved || event.change == Change::released ||
            event.change == Change::preempted || event.change == Change::reset;
        if (!about_reservation) continue;
        Tape& tape = tapes_.at(event.drive);
        const bool lost = !events_are_reliable_ && random_.chance(plan_.faults.event_lost);
        tape.evidence_lost = lost;
        if (lost || bug_ == Bug::changes_of_reservation_unseen) continue;
        tape.events.push_back(event.reservation);
        if (!tape.event_channel_busy) {
            tape.event_channel_busy = true;
            const std::int64_t delay = random_.between(1, 5);
            timeline_.after(delay, [this, drive = event.drive] { deliver_events(drive); });
        }
    }
    refresh_truth();
}

void TapeDrives::attach(Sink sink, std::function<bool()> controller_is_up) {
    sink_ = std::move(sink);
    controller_is_up_ = std::move(controller_is_up);
}

void TapeDrives::deliver_events(const DriveSerial& drive) {
    Tape& tape = tapes_.at(drive);
    if (!controller_is_up_()) {  // the drive keeps what is not acknowledged
        timeline_.after(200, [this, drive] { deliver_events(drive); });
        return;
    }
    const std::uint64_t life = controller_life_;
    look(drive, tape.events.front());
    if (life != controller_life_) {  // it ended before it had recorded and acknowledged the event
        timeline_.after(200, [this, drive] { deliver_events(drive); });
        return;
    }
    tape.events.pop_front();
    if (tape.events.empty()) {
        tape.event_channel_busy = false;
        return;
    }
    const std::int64_t delay = random_.between(1, 5);
    timeline_.after(delay, [this, drive] { deliver_events(drive); });
}

void TapeDrives::begin_polling() {
    for (const auto& [drive, tape] : tapes_) {
        const std::int64_t first = random_.between(1, plan_.poll_ms);
        timeline_.after(first, [this, serial = drive] { poll(serial); });
    }
}

void TapeDrives::poll(const DriveSerial& drive) {
    if (controller_is_up_()) look(drive, std::nullopt);
    timeline_.after(plan_.poll_ms, [this, drive] { poll(drive); });
}

void TapeDrives::look(const DriveSerial& drive, const std::optional<Reservation>& event) {
    Tape& tape = tapes_.at(drive);
    if (tape.silent) {
        if (event) {
            sink_(DriveObserved{
                drive, *event,
                event->holders.empty() ? HolderEvidence::none : HolderEvidence::drive_event,
                DriveObserved::Source::drive_event});
        } else if (++tape.failed_looks >= failed_looks_until_unreachable) {
            sink_(DriveUnreachable{drive, "no answer"});
        }
        return;
    }
    tape.failed_looks = 0;
    auto reading = read(tape, drive);
    if (!reading) return;
    if (bug_ == Bug::changes_of_reservation_unseen) {
        if (!tape.frozen) tape.frozen = reading->reservation;
        reading->reservation = *tape.frozen;
    }
    // A change that a look has found waits a moment for the drive's own event, which names the
    // port.
    const bool legacy = reading->reservation.kind == ReservationKind::legacy;
    const bool news = legacy && !tape.seen_legacy;
    tape.seen_legacy = legacy;
    if (news && !event) {
        timeline_.after(event_grace_ms, [this, drive] {
            if (controller_is_up_()) look(drive, std::nullopt);
        });
        return;
    }
    if (event && agree(*event, reading->reservation)) {
        reading->source = DriveObserved::Source::event_and_poll;
        if (!event->holders.empty()) {
            reading->reservation = *event;
            reading->evidence = HolderEvidence::drive_event;
        }
    }
    sink_(*reading);
}

std::optional<DriveObserved> TapeDrives::read(Tape& tape, const DriveSerial& drive) {
    DriveObserved observed{drive, {}, HolderEvidence::none, DriveObserved::Source::poll};
    Reservation& reservation = observed.reservation;
    const auto reply =
        execute(tape, drive, own_port_,
                scsi::persistent_reserve_in_cdb(scsi::PrInAction::read_reservation, 64), {});
    if (reply.status == vl::Status::reservation_conflict) {
        reservation = {ReservationState::reserved, ReservationKind::legacy, {}, {}};
        return observed;
    }
    const auto data = scsi::decode_read_reservation(reply.data_in);
    if (reply.status != vl::Status::good || !data.ok()) return std::nullopt;
    reservation.state = ReservationState::free;
    if (!data->held) return observed;
    reservation = {ReservationState::reserved,
                   ReservationKind::persistent,
                   PersistentReservation{data->held->type, data->held->key},
                   {}};
    const auto full =
        execute(tape, drive, own_port_,
                scsi::persistent_reserve_in_cdb(scsi::PrInAction::read_full_status, 4096), {});
    const auto status = scsi::decode_read_full_status(full.data_in);
    if (full.status != vl::Status::good || !status.ok()) return observed;
    for (const auto& descriptor : status->descriptors) {
        if (descriptor.holder && descriptor.port) reservation.holders.push_back(*descriptor.port);
    }
    std::sort(reservation.holders.begin(), reservation.holders.end());
    if (!reservation.holders.empty()) observed.evidence = HolderEvidence::full_status;
    return observed;
}

void TapeDrives::be_silent(const DriveSerial& drive, bool silent) {
    tapes_.at(drive).silent = silent;
}

void TapeDrives::actuator_fails(const DriveSerial& drive, bool fails) {
    tapes_.at(drive).actuator_fails = fails;
}

void TapeDrives::force(const DriveSerial& drive, bool forced) {
    Tape& tape = tapes_.at(drive);
    tape.commands.push_back(forced);
    if (tape.actuator_busy) return;
    tape.actuator_busy = true;
    const std::int64_t duration = random_.between(1, 100);
    timeline_.after(duration,
                    [this, drive, life = controller_life_] { run_actuator(drive, life); });
}

void TapeDrives::carry_out(const DriveSerial& drive, bool forced) {
    if (bug_ == Bug::actuator_lies) return;
    if (forced) {
        (void)library_.force_offline(drive.text, "simulated");
    } else {
        (void)library_.lift_forced_offline(drive.text);
    }
    collect_events();
    refresh_truth();
}

void TapeDrives::run_actuator(const DriveSerial& drive, std::uint64_t life) {
    if (life != controller_life_) return;
    Tape& tape = tapes_.at(drive);
    const bool forced = tape.commands.front();
    tape.commands.pop_front();
    std::optional<std::string> failure;
    if (tape.actuator_fails) {
        failure = "the drive does not take the command";
    } else {
        carry_out(drive, forced);
    }
    if (tape.commands.empty()) {
        tape.actuator_busy = false;
    } else {
        const std::int64_t duration = random_.between(1, 100);
        timeline_.after(duration, [this, drive, life] { run_actuator(drive, life); });
    }
    if (forced) {
        sink_(OfflineForced{drive, failure});
    } else {
        sink_(OfflineLifted{drive, failure});
    }
}

// A command that is under way when the process ends is carried out, or not; nobody hears of it.
void TapeDrives::controller_crashed() {
    ++controller_life_;
    for (auto& [drive, tape] : tapes_) {
        const bool reached_the_drive = random_.below(2) == 0;
        if (tape.actuator_busy && !tape.commands.empty() && !tape.actuator_fails &&
            reached_the_drive) {
            carry_out(drive, tape.commands.front());
        }
        tape.commands.clear();
        tape.actuator_busy = false;
    }
}

Reservation TapeDrives::truth(const DriveSerial& drive) const {
    return tapes_.at(drive).truth;
}
bool TapeDrives::refuses_everyone(const DriveSerial& drive) const {
    return tapes_.at(drive).refuses;
}
bool TapeDrives::is_silent(const DriveSerial& drive) const {
    return tapes_.at(drive).silent;
}
bool TapeDrives::evidence_lost(const DriveSerial& drive) const {
    return tapes_.at(drive).evidence_lost;
}
std::uint64_t TapeDrives::changes(const DriveSerial& drive) const {
    return tapes_.at(drive).changes;
}

}  // namespace sim

// LOAD UNLOAD and PREVENT ALLOW MEDIUM REMOVAL.

#include <algorithm>
#include <utility>

#include "drive_iface/virtual/handlers.hpp"
#include "drive_iface/virtual/loading.hpp"
#include "drive_iface/virtual/logical_unit.hpp"
#include "drive_iface/virtual/medium_access.hpp"

namespace drive_iface::virtual_library {
namespace {

using MediumState = TapeState::MediumState;

constexpr std::uint8_t load_bit = 0x01;  // byte 4
constexpr std::uint8_t hold_bit = 0x08;

bool is_immediate(const Call& call) {
    return (call.cdb[1] & 0x01) != 0;
}

Answer not_ready(const TapeState& drive) {
    return check_condition(medium_readiness(drive));
}

// A LOAD with the tape threaded brings it to its beginning (SSC-3 7.2).
Answer to_beginning(const TapeCall& call) {
    Answer reply;
    if (!has_left_what_was_written(call, reply)) return reply;
    call.tape().position = 0;
    return good();
}

// Stage of a LOAD that waits for the cartridge being opened. IMMED=1 waits as well: it lets the
// drive answer early and does not make it, and a host that hears GOOD finds the tape ready.
constexpr std::uint32_t threading = 1;

Answer load(const Call& call) {
    TapeState& drive = call.drive().tape;
    const bool began_before = call.unfinished.stage == threading;
    if (drive.medium == MediumState::loaded && !began_before) return with_tape(call, to_beginning);
    if (drive.medium == MediumState::unloading) return std::nullopt;  // an UNLOAD before it
    if (!began_before) begin_load(drive, call.nexus_id);
    settle_medium(call.unit, drive);
    const bool goes_on =
        drive.medium == MediumState::opening || drive.medium == MediumState::cleaning;
    if (goes_on) {
        call.unfinished.stage = threading;
        return std::nullopt;
    }
    const scsi::SenseData sense = medium_readiness(drive);
    return sense.key == scsi::SenseKey::no_sense ? good() : check_condition(sense);
}

// Others still work on a parallel drive's cartridge: this host is done with its own part of it.
bool others_have_views(const TapeState& drive, NexusId nexus) {
    return std::any_of(drive.own.begin(), drive.own.end(), [nexus](const auto& entry) {
        return entry.first != nexus && entry.second.tape.cartridge != nullptr;
    });
}

Answer close_view(const TapeCall& call) {
    Answer reply;
    if (!has_left_what_was_written(call, reply)) return reply;
    call.user.stream = nullptr;
    call.user.tape = {};
    return good();
}

Answer unload(const Call& call) {
    TapeState& drive = call.drive().tape;
    if (drive.medium == MediumState::absent) return not_ready(drive);
    if (removal_prevented(call.unit)) {
        drive.alerts.raise(TapeAlert::no_removal);
        return check_condition(scsi::SenseKey::illegal_request,
                               scsi::additional_sense::medium_removal_prevented);
    }
    if (drive.medium == MediumState::cleaning) return std::nullopt;  // until that is done
    if (drive.medium == MediumState::loaded && others_have_views(drive, call.nexus_id))
        return with_tape(call, close_view);
    drive.unloaded_by_host = true;
    begin_unload(drive, (call.cdb[4] & hold_bit) != 0);
    settle_medium(call.unit, call.drive().tape);
    if (drive.medium == MediumState::unloading && !is_immediate(call)) return std::nullopt;
    if (drive.medium == MediumState::unloading) return good();
    const bool owed = take_owed(user_of(drive, call.nexus_id), call.nexus.port);
    if (std::exchange(drive.lost_at_unload, false) || owed) {
        return check_condition(scsi::SenseKey::medium_error, scsi::additional_sense::write_error);
    }
    return good();
}

}  // namespace

Answer handle_load_unload(const Call& call) {
    constexpr std::uint8_t end_of_tape = 0x04;
    const bool loads = (call.cdb[4] & load_bit) != 0;
    if (loads && (call.cdb[4] & end_of_tape) != 0) return invalid_field_in_cdb(4, 2);
    settle_medium(call.unit, call.drive().tape);
    // LOAD with HOLD brings the cartridge in and does not thread it.
    return loads && (call.cdb[4] & hold_bit) == 0 ? load(call) : unload(call);
}

Answer handle_prevent_allow(const Call& call) {
    const std::uint8_t prevent = call.cdb[4] & 0x03;
    if (prevent > 1) return invalid_field_in_cdb(4, 1);
    call.nexus.prevents_removal = prevent == 1;
    return good();
}

}  // namespace drive_iface::virtual_library

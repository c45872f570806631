#include "drive_iface/virtual/medium_access.hpp"

#include <utility>

#include "drive_iface/virtual/handlers.hpp"
#include "drive_iface/virtual/loading.hpp"

namespace drive_iface::virtual_library {
namespace {

namespace code = scsi::additional_sense;
using scsi::SenseKey;

constexpr scsi::SenseData cartridge_unusable{.key = SenseKey::medium_error,
                                             .additional = code::medium_format_corrupted};

// False: `reply` is what the command returns now.
bool has_view(const Call& call, TapeUser& user, Answer& reply) {
    TapeState& drive = call.drive().tape;
    if (user.tape.cartridge) return true;
    auto opened = drive.parallel->open(call.unit.identity.serial, drive.barcode, call.nexus.port);
    if (!opened) return false;
    if (!opened->ok()) {
        drive.trouble = opened->error().message;
        drive.alerts.raise(TapeAlert::loading_failure);
        reply = check_condition(cartridge_unusable);
        return false;
    }
    auto stream = std::move(*opened).value();
    if (drive.progress) stream->on_progress(drive.progress);
    user.stream = stream.get();
    user.tape = Tape{.cartridge = std::move(stream)};
    suffer(user.tape, drive.faults);
    return true;
}

CommandReply write_error(bool deferred) {
    return check_condition(
        {.key = SenseKey::medium_error, .additional = code::write_error, .deferred = deferred});
}

// Something that had been accepted could not be stored. A command that waits for storing fails
// itself; any other has not begun, and the error is that of an earlier one (SPC-4 4.5.5), told to
// those who wrote and to nobody in their place: others find the end where it is now.
Answer failure_of_earlier_writes(const Call& call, TapeUser& user, bool waits_for_it) {
    const bool failed = take_lost_writes(call.drive().tape, user);
    const bool owed = take_owed(user, call.nexus.port);
    if (!owed && !(failed && waits_for_it)) return std::nullopt;
    return write_error(!waits_for_it);
}

}  // namespace

Answer with_tape(const Call& call, TapeCommand command) {
    TapeState& drive = call.drive().tape;
    settle_medium(call.unit, drive);
    TapeUser& user = user_of(drive, call.nexus_id);
    if (drive.medium != TapeState::MediumState::loaded) {
        if (take_owed(user, call.nexus.port)) return write_error(true);
        return check_condition(medium_readiness(drive));
    }
    Answer reply;
    if (!has_view(call, user, reply)) return reply;
    reply = failure_of_earlier_writes(call, user, call.unfinished.storing);
    if (reply) return reply;
    if (user.tape.cartridge->synchronised()) user.writers.clear();
    return command({call, user});
}

bool is_stored(const TapeCall& call, Answer& reply) {
    const bool stored = synchronise(call.tape());
    // A failure ends the wait as well: what could not be stored is no longer there.
    reply = failure_of_earlier_writes(call.call, call.user, true);
    if (reply) return false;
    call.unfinished().storing = !stored;
    return stored;
}

bool is_memory_stored(const TapeCall& call, Answer& reply) {
    constexpr scsi::AdditionalSense auxiliary_memory_write_error{0x0c, 0x0b};
    if (!is_stored(call, reply)) return false;
    if (call.cartridge().attributes_stored()) return true;
    call.drive().alerts.raise(TapeAlert::memory_chip);
    reply = check_condition(SenseKey::medium_error, auxiliary_memory_write_error);
    return false;
}

bool has_left_what_was_written(const TapeCall& call, Answer& reply) {
    if (!call.tape().written) return true;
    const bool begins = !call.unfinished().storing;
    if (begins && call.user.stream != nullptr) call.user.stream->complete();
    if (!is_stored(call, reply)) return false;
    call.tape().written = false;
    return true;
}

Answer write_refused(const TapeCall& call) {
    TapeState& drive = call.drive();
    const CartridgeFacts& facts = call.cartridge().facts();
    if (facts.write_protected) {
        drive.alerts.raise(TapeAlert::write_protect);
        return check_condition(SenseKey::data_protect, code::write_protected);
    }
    if (facts.worm && call.tape().position < call.cartridge().end_of_data()) {
        drive.alerts.raise(TapeAlert::worm_overwrite_attempted);
        return check_condition(SenseKey::data_protect, code::worm_overwrite_attempted);
    }
    // SSC-4 does without a sense code of its own for it; this one is what LTO drives report and
    // LTFS expects.
    const Tape& tape = call.tape();
    const bool discards = tape.position < call.cartridge().end_of_data();
    if (call.user.mode.append_only && discards && tape.overwrite_allowed_at != tape.position) {
        drive.alerts.raise(TapeAlert::write_protect);
        return check_condition(SenseKey::data_protect, code::operator_selected_write_protect);
    }
    return std::nullopt;
}

void count_read_error(const TapeCall& call) {
    TapeState& drive = call.drive();
    ++drive.since_power_on.read_errors;
    ++drive.since_load.read_errors;
    for (const TapeAlert flag : {TapeAlert::hard_error, TapeAlert::media, TapeAlert::read_failure})
        drive.alerts.raise(flag);
}

void settle_medium(LogicalUnit& unit, TapeState& drive) {
    switch (settle(drive)) {
        case Settled::became_ready:
            attend_others(unit, drive.loaded_by.value_or(NexusId{}), code::medium_may_have_changed);
            return;
        case Settled::nothing:
        case Settled::not_loaded:
        case Settled::unloaded:
            return;
    }
}

scsi::SenseData medium_readiness(const TapeState& drive) {
    const auto not_ready = [](scsi::AdditionalSense why) {
        return scsi::SenseData{.key = SenseKey::not_ready, .additional = why};
    };
    switch (drive.medium) {
        case TapeState::MediumState::loaded:
            return {};
        case TapeState::MediumState::opening:
            return not_ready(code::becoming_ready);
        case TapeState::MediumState::absent:
        case TapeState::MediumState::unloading:
            return not_ready(code::medium_not_present);
        case TapeState::MediumState::unloaded:
            return not_ready(drive.held ? code::initializing_command_required
                                        : code::medium_not_present);
        case TapeState::MediumState::unreadable:
            return cartridge_unusable;
        case TapeState::MediumState::cleaned:
            if (drive.cleaner_used_up)
                return {.key = SenseKey::medium_error, .additional = code::cleaning_failure};
            return not_ready(code::cleaning_cartridge_installed);
        case TapeState::MediumState::cleaning:
            return not_ready(code::cleaning_cartridge_installed);
    }
    return {};
}

}  // namespace drive_iface::virtual_library

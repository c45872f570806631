// WRITE, WRITE FILEMARKS, ERASE and FORMAT MEDIUM: what changes the tape.

#include <algorithm>
#include <utility>

#include "drive_iface/virtual/handlers.hpp"
#include "drive_iface/virtual/loading.hpp"
#include "drive_iface/virtual/logical_unit.hpp"
#include "drive_iface/virtual/medium_access.hpp"

namespace drive_iface::virtual_library {
namespace {

namespace code = scsi::additional_sense;
using scsi::SenseKey;

constexpr std::uint8_t fixed_bit = 0;
constexpr std::uint8_t immediate_bit = 0;  // of WRITE FILEMARKS and FORMAT MEDIUM

// Stages of a command that waits twice: for room, and for storing.
constexpr std::uint32_t accepted = 1;
constexpr std::uint32_t accepted_at_early_warning = 2;
constexpr std::uint32_t accepted_until_end_of_medium = 3;
constexpr std::uint32_t accepted_at_programmable_warning = 4;

bool bit(const Call& call, std::uint8_t number) {
    return (call.cdb[1] >> number & 1) != 0;
}

std::uint32_t stage_of(const Written& written) {
    if (written.end_of_medium) return accepted_until_end_of_medium;
    if (written.early_warning) return accepted_at_early_warning;
    return written.programmable_warning ? accepted_at_programmable_warning : accepted;
}

// Behind early warning every write says so, although it succeeded (SSC-3 4.2.4): applications
// change the volume then. The programmable early warning is told once, by the write that comes
// there (SSC-4, append-only mode).
CommandReply ended(std::uint32_t stage, std::uint32_t not_written) {
    if (stage == accepted) return good();
    if (stage == accepted_at_programmable_warning) {
        return check_condition({.key = SenseKey::no_sense,
                                .additional = code::programmable_early_warning_detected,
                                .information = 0,
                                .end_of_medium = true});
    }
    const bool full = stage == accepted_until_end_of_medium;
    return check_condition({.key = full ? SenseKey::volume_overflow : SenseKey::no_sense,
                            .additional = code::end_of_medium_detected,
                            .information = full ? not_written : 0,
                            .end_of_medium = true});
}

template <typename Count>
void count(const TapeCall& call, Count count_in) {
    count_in(call.drive().since_power_on);
    count_in(call.drive().since_load);
}

struct Form {
    std::uint8_t length_at;  // byte of the transfer length or count in the CDB
    bool explicit_address;
};
constexpr Form six_byte{2, false};
constexpr Form sixteen_byte{12, true};
constexpr std::size_t partition_at = 3;
constexpr std::size_t identifier_at = 4;

// The explicit address of the 16-byte commands (SSC-3 table 9): the tape goes there first.
Answer go_there(const TapeCall& call, const Form& form, bool& there) {
    there = true;
    if (!form.explicit_address) return std::nullopt;
    const std::uint64_t identifier = cdb_u64(call.call.cdb, identifier_at);
    if (identifier == call.tape().position) return std::nullopt;
    Answer reply;
    there = has_left_what_was_written(call, reply);
    if (!there) return reply;
    if (locate_object(call.tape(), identifier).met == Met::nothing) return std::nullopt;
    there = false;
    return check_condition(SenseKey::blank_check, code::end_of_data_detected);
}

// ---- WRITE

Answer write_there(const TapeCall& call, const Form& form) {
    const Call& command = call.call;
    Unfinished& so_far = call.unfinished();
    const bool fixed = bit(command, fixed_bit);
    const std::uint32_t length = cdb_u24(command.cdb, form.length_at);
    if (length == 0) return good();
    const std::uint32_t block_length = fixed ? call.user.mode.block_length : length;
    const std::uint32_t blocks = fixed ? length : 1;
    if (so_far.stage == 0) {
        bool there = true;
        if (auto stopped = go_there(call, form, there); !there) return stopped;
        if (auto refused = write_refused(call)) return refused;
        const std::uint64_t bytes = std::uint64_t{blocks} * block_length;
        // A block shorter than the host announced must not get onto the tape.
        if (command.data_out.size() < bytes)
            return check_condition(SenseKey::aborted_command, code::data_phase_error);
        command.data_out.resize(bytes);
        constexpr std::uint64_t pews_unit = 1'000'000;
        call.tape().programmable_warning = call.user.mode.programmable_warning_mb * pews_unit;
        const auto written = write_blocks(call.tape(), command.data_out, block_length);
        if (!written) return std::nullopt;
        note_writer(call.user, command.nexus.port);
        call.tape().overwrite_allowed_at.reset();
        so_far.stage = stage_of(*written);
        so_far.done = written->blocks;
        count(call, [&](TapeCounters& counters) {
            counters.blocks_written += written->blocks;
            counters.bytes_written += written->blocks * block_length;
        });
    }
    Answer reply;
    if (!call.user.mode.buffered && !is_stored(call, reply)) return reply;
    return ended(so_far.stage, fixed ? static_cast<std::uint32_t>(blocks - so_far.done) : length);
}

Answer write_6(const TapeCall& call) {
    return write_there(call, six_byte);
}

Answer write_16(const TapeCall& call) {
    return write_there(call, sixteen_byte);
}

Answer invalid_write(const Call& call, const Form& form) {
    const std::uint32_t length = cdb_u24(call.cdb, form.length_at);
    const std::uint32_t block_length = user_of(call.drive().tape, call.nexus_id).mode.block_length;
    const bool fixed = bit(call, fixed_bit);
    if (fixed && block_length == 0) return invalid_field_in_cdb(1, fixed_bit);
    const bool too_much = fixed ? std::uint64_t{length} * block_length > transfer_bytes_max
                                : length > block_length_max;
    if (too_much) return invalid_field_in_cdb(form.length_at);
    if (form.explicit_address && call.cdb[partition_at] != 0)
        return invalid_field_in_cdb(partition_at);
    return std::nullopt;
}

// ---- WRITE FILEMARKS

Answer write_filemarks_there(const TapeCall& call, const Form& form) {
    const Call& command = call.call;
    Unfinished& so_far = call.unfinished();
    const std::uint32_t wanted = cdb_u24(command.cdb, form.length_at);
    if (so_far.stage == 0 && so_far.done == 0 && wanted > 0) {
        bool there = true;
        if (auto stopped = go_there(call, form, there); !there) return stopped;
        if (auto refused = write_refused(call)) return refused;
    }
    while (so_far.stage == 0 && so_far.done < wanted) {
        const auto step = static_cast<std::uint32_t>(wanted - so_far.done);
        const auto written = write_filemarks(call.tape(), step);
        if (!written) return std::nullopt;
        note_writer(call.user, command.nexus.port);
        call.tape().overwrite_allowed_at.reset();
        so_far.done += written->blocks;
        count(call, [&](TapeCounters& counters) { counters.filemarks_written += written->blocks; });
        if (written->end_of_medium || so_far.done == wanted) so_far.stage = stage_of(*written);
    }
    if (so_far.stage == 0) so_far.stage = accepted;
    Answer reply;
    if (!bit(command, immediate_bit) && !is_stored(call, reply)) return reply;
    return ended(so_far.stage, static_cast<std::uint32_t>(wanted - so_far.done));
}

Answer filemarks_6(const TapeCall& call) {
    return write_filemarks_there(call, six_byte);
}

Answer filemarks_16(const TapeCall& call) {
    return write_filemarks_there(call, sixteen_byte);
}

// ---- ERASE and FORMAT MEDIUM

// The position stays: it is the end of data now.
Answer erase_there(const TapeCall& call, const Form& form, std::uint8_t immediate) {
    Unfinished& so_far = call.unfinished();
    if (so_far.stage == 0) {
        bool there = true;
        if (auto stopped = go_there(call, form, there); !there) return stopped;
        if (auto refused = write_refused(call)) return refused;
        erase_from_here(call.tape());
        note_writer(call.user, call.call.nexus.port);
        call.tape().overwrite_allowed_at.reset();
        so_far.stage = accepted;
    }
    Answer reply;
    if (!bit(call.call, immediate) && !is_stored(call, reply)) return reply;
    return good();
}

constexpr std::uint8_t immediate_bit_of_erase = 1;

Answer erase_6(const TapeCall& call) {
    return erase_there(call, six_byte, immediate_bit_of_erase);
}

Answer erase_16(const TapeCall& call) {
    return erase_there(call, sixteen_byte, immediate_bit_of_erase);
}

// One partition is all there is, so formatting is making it blank (SSC-3 7.1).
Answer format(const TapeCall& call) {
    if (call.tape().position != 0) {
        return check_condition(SenseKey::illegal_request, code::position_past_beginning_of_medium);
    }
    if (call.unfinished().stage == 0 && std::exchange(call.tape().format_allowed, false))
        call.tape().overwrite_allowed_at = 0;
    return erase_there(call, six_byte, immediate_bit);
}

// ---- SET CAPACITY and ALLOW OVERWRITE

// SSC-3, SET CAPACITY: at the beginning of the medium, which is blank afterwards.
Answer make_shorter(const TapeCall& call) {
    if (call.tape().position != 0) {
        return check_condition(SenseKey::illegal_request, code::position_past_beginning_of_medium);
    }
    if (call.unfinished().stage == 0) {
        if (auto refused = write_refused(call)) return refused;
        set_capacity(call.cartridge(), cdb_u16(call.call.cdb, 3));
    }
    auto erased = erase_there(call, six_byte, immediate_bit);
    Answer reply;
    const bool waited = !bit(call.call, immediate_bit);
    if (!erased || erased->status != Status::good || !waited) return erased;
    return is_memory_stored(call, reply) ? erased : reply;
}

enum class Overwrite : std::uint8_t { disabled = 0, current_position = 1, format = 2 };

// SSC-4, ALLOW OVERWRITE: lets one command discard what append-only mode keeps.
Answer allow(const TapeCall& call) {
    Tape& tape = call.tape();
    if (!call.user.mode.append_only) {
        return check_condition(SenseKey::illegal_request,
                               code::illegal_command_when_not_in_append_only_mode);
    }
    const Cdb& cdb = call.call.cdb;
    tape.overwrite_allowed_at.reset();
    tape.format_allowed = false;
    switch (static_cast<Overwrite>(cdb[2] & 0x0f)) {
        case Overwrite::disabled:
            return good();
        case Overwrite::current_position:
            if (cdb_u64(cdb, identifier_at) != tape.position) {
                return check_condition(SenseKey::illegal_request,
                                       code::sequential_positioning_error);
            }
            tape.overwrite_allowed_at = tape.position;
            return good();
        case Overwrite::format:
            tape.format_allowed = true;
            return good();
    }
    return invalid_field_in_cdb(2, 3);
}

}  // namespace

Answer handle_write_6(const Call& call) {
    if (auto refused = invalid_write(call, six_byte)) return refused;
    return with_tape(call, write_6);
}

Answer handle_write_16(const Call& call) {
    if (auto refused = invalid_write(call, sixteen_byte)) return refused;
    return with_tape(call, write_16);
}

Answer handle_write_filemarks_6(const Call& call) {
    constexpr std::uint8_t setmarks_bit = 1;  // obsolete
    if (bit(call, setmarks_bit)) return invalid_field_in_cdb(1, setmarks_bit);
    return with_tape(call, filemarks_6);
}

Answer handle_write_filemarks_16(const Call& call) {
    if (call.cdb[partition_at] != 0) return invalid_field_in_cdb(partition_at);
    return with_tape(call, filemarks_16);
}

Answer handle_erase_6(const Call& call) {
    return with_tape(call, erase_6);
}

Answer handle_erase_16(const Call& call) {
    if (call.cdb[partition_at] != 0) return invalid_field_in_cdb(partition_at);
    return with_tape(call, erase_16);
}

Answer handle_format_medium(const Call& call) {
    constexpr std::uint8_t default_format = 0;
    if ((call.cdb[2] & 0x0f) != default_format) return invalid_field_in_cdb(2, 3);
    if (cdb_u16(call.cdb, 3) != 0) return invalid_field_in_cdb(3);
    return with_tape(call, format);
}

Answer handle_set_capacity(const Call& call) {
    return with_tape(call, make_shorter);
}

Answer handle_allow_overwrite(const Call& call) {
    if ((call.cdb[2] & 0x0f) > static_cast<std::uint8_t>(Overwrite::format))
        return invalid_field_in_cdb(2, 3);
    if (call.cdb[partition_at] != 0) return invalid_field_in_cdb(partition_at);
    return with_tape(call, allow);
}

}  // namespace drive_iface::virtual_library

// Where the tape stands, and moving it without reading.

#include <algorithm>

#include "drive_iface/virtual/handlers.hpp"
#include "drive_iface/virtual/logical_unit.hpp"
#include "drive_iface/virtual/medium_access.hpp"

namespace drive_iface::virtual_library {
namespace {

namespace code = scsi::additional_sense;
using scsi::SenseKey;

constexpr std::uint8_t immediate = 0x01;  // IMMED, byte 1

// Fixed format has 32 bits for INFORMATION; what does not fit is not valid (SPC-4 4.5.3).
std::optional<std::uint64_t> information(std::uint64_t left) {
    if (left > 0xffffffff) return std::nullopt;
    return left;
}

CommandReply arrived(const Moved& moved, std::optional<std::uint64_t> left) {
    scsi::SenseData sense{.information = left};
    switch (moved.met) {
        case Met::nothing:
            return good();
        case Met::filemark:
            sense.additional = code::filemark_detected;
            sense.filemark = true;
            break;
        case Met::end_of_data:
            sense.key = SenseKey::blank_check;
            sense.additional = code::end_of_data_detected;
            break;
        case Met::beginning:
            sense.additional = code::beginning_of_partition_detected;
            sense.end_of_medium = true;
            break;
        case Met::end_of_medium:
        case Met::incorrect_length:
        case Met::damaged_block:
            break;
    }
    return check_condition(sense);
}

CommandReply spaced(const Moved& moved) {
    return arrived(moved, information(moved.left));
}

CommandReply located(const Moved& moved) {
    return arrived(moved, std::nullopt);
}

// What was written is stored before the tape moves back from it, unless the host does not wait for
// the movement either: then a failure is a deferred error. Going forward from there is going
// nowhere.
bool may_move(const TapeCall& call, bool waits, Answer& reply) {
    if (waits) return has_left_what_was_written(call, reply);
    call.cartridge().synchronise();
    return true;
}

// ---- REWIND

Answer rewind(const TapeCall& call) {
    const bool waits = (call.call.cdb[1] & immediate) == 0 || call.user.stream != nullptr;
    const bool wrote = call.tape().written;
    Answer reply;
    if (!may_move(call, waits, reply)) return reply;
    call.tape().position = 0;
    // On a parallel drive the next command sees the cartridge with everything finished until then.
    if (call.user.stream != nullptr && wrote) {
        call.user.stream = nullptr;
        call.user.tape = {};
    }
    return good();
}

// ---- SPACE

enum class Space : std::uint8_t { blocks = 0, filemarks = 1, end_of_data = 3 };

bool is_known(std::uint8_t what) {
    return what <= static_cast<std::uint8_t>(Space::filemarks) ||
           what == static_cast<std::uint8_t>(Space::end_of_data);
}

Answer space(const TapeCall& call, std::int64_t count) {
    const auto what = static_cast<Space>(call.call.cdb[1] & 0x0f);
    if (count == 0 && what != Space::end_of_data) return good();
    Answer reply;
    const bool goes_back = count < 0 && what != Space::end_of_data;
    if (goes_back && !may_move(call, true, reply)) return reply;
    switch (what) {
        case Space::blocks:
            return spaced(space_blocks(call.tape(), count));
        case Space::filemarks:
            return spaced(space_filemarks(call.tape(), count));
        case Space::end_of_data:
            call.tape().position = call.cartridge().end_of_data();
            return good();
    }
    return good();
}

// COUNT is 24 bits, two's complement.
Answer space_6(const TapeCall& call) {
    const std::int64_t raw = cdb_u24(call.call.cdb, 2);
    return space(call, raw < 0x800000 ? raw : raw - 0x1000000);
}

Answer space_16(const TapeCall& call) {
    return space(call, static_cast<std::int64_t>(cdb_u64(call.call.cdb, 4)));
}

// ---- LOCATE

Answer locate_10(const TapeCall& call) {
    const std::uint32_t number = cdb_u32(call.call.cdb, 3);
    Answer reply;
    const bool goes_back = number < call.tape().position;
    if (goes_back && !may_move(call, (call.call.cdb[1] & immediate) == 0, reply)) return reply;
    return located(locate_object(call.tape(), number));
}

// DEST_TYPE, SSC-3 7.3.
enum class Destination : std::uint8_t { object = 0, file = 1, end_of_data = 3 };
constexpr std::uint8_t destination_type(const Cdb& cdb) {
    return cdb[1] >> 3 & 0x07;
}

Answer locate_16(const TapeCall& call) {
    const std::uint64_t number = cdb_u64(call.call.cdb, 4);
    const auto destination = static_cast<Destination>(destination_type(call.call.cdb));
    const bool goes_back = destination == Destination::file ||
                           (destination == Destination::object && number < call.tape().position);
    Answer reply;
    if (goes_back && !may_move(call, (call.call.cdb[1] & immediate) == 0, reply)) return reply;
    switch (destination) {
        case Destination::object:
            return located(locate_object(call.tape(), number));
        case Destination::file:
            return located(locate_file(call.tape(), number));
        case Destination::end_of_data:
            call.tape().position = call.cartridge().end_of_data();
            return good();
    }
    return good();
}

Answer other_partition(const Call& call, std::size_t partition_at) {
    constexpr std::uint8_t change_partition = 0x02;
    if ((call.cdb[1] & change_partition) == 0 || call.cdb[partition_at] == 0) return std::nullopt;
    return invalid_field_in_cdb(static_cast<std::uint16_t>(partition_at));
}

// ---- READ POSITION, SSC-3 7.7

constexpr std::uint8_t short_form = 0;
constexpr std::uint8_t short_form_vendor = 1;
constexpr std::uint8_t long_form = 6;
constexpr std::uint8_t extended_form = 8;

constexpr std::uint8_t beginning_of_partition = 0x80;
constexpr std::uint8_t end_of_partition = 0x40;             // between early warning and the end
constexpr std::uint8_t beyond_programmable_warning = 0x01;  // BPEW of READ POSITION, SSC-4

std::uint8_t flags(const TapeCall& call) {
    std::uint8_t flags = 0;
    if (call.tape().position == 0) flags |= beginning_of_partition;
    const bool at_end = call.tape().position == call.cartridge().end_of_data();
    if (at_end && at_early_warning(call.tape())) flags |= end_of_partition;
    constexpr std::uint64_t pews_unit = 1'000'000;
    call.tape().programmable_warning = call.user.mode.programmable_warning_mb * pews_unit;
    if (at_end && at_programmable_warning(call.tape())) flags |= beyond_programmable_warning;
    return flags;
}

// What is in the buffer stands between the two: the object that goes there next, and the one that
// goes from there to the medium next.
struct Locations {
    std::uint64_t first;
    std::uint64_t last;
    Cartridge::Buffered buffered;
};

Locations locations(const TapeCall& call) {
    const std::uint64_t at = call.tape().position;
    // The buffer belongs to the end of data; elsewhere it has been written already.
    if (at != call.cartridge().end_of_data()) return {at, at, {}};
    const Cartridge::Buffered buffered = call.cartridge().buffered();
    return {at, at - std::min(at, buffered.objects), buffered};
}

Bytes position_short(const TapeCall& call) {
    constexpr std::uint8_t position_error = 0x02;  // PERR: numbers do not fit
    const Locations at = locations(call);
    const bool fits = at.first <= 0xffffffff && at.buffered.objects <= 0xffffff &&
                      at.buffered.bytes <= 0xffffffff;
    scsi::ByteWriter out;
    out.u8(static_cast<std::uint8_t>(flags(call) | (fits ? 0 : position_error))).zeros(3);
    if (!fits) return out.zeros(16).take();
    out.u32(static_cast<std::uint32_t>(at.first)).u32(static_cast<std::uint32_t>(at.last));
    out.u8(0).u24(static_cast<std::uint32_t>(at.buffered.objects));
    out.u32(static_cast<std::uint32_t>(at.buffered.bytes));
    return out.take();
}

Bytes position_long(const TapeCall& call) {
    constexpr std::uint32_t partition = 0;
    constexpr std::uint64_t set_number = 0;  // obsolete
    const std::uint64_t at = call.tape().position;
    scsi::ByteWriter out;
    out.u8(flags(call)).zeros(3).u32(partition).u64(at);
    out.u64(call.cartridge().filemarks_before(at)).u64(set_number);
    return out.take();
}

Bytes position_extended(const TapeCall& call) {
    constexpr std::uint16_t additional_length = 0x1c;
    const Locations at = locations(call);
    scsi::ByteWriter out;
    out.u8(flags(call)).u8(0).u16(additional_length).u8(0);
    out.u24(static_cast<std::uint32_t>(std::min<std::uint64_t>(at.buffered.objects, 0xffffff)));
    out.u64(at.first).u64(at.last).u64(at.buffered.bytes);
    return out.take();
}

// Only the extended form has an allocation length; the others always send everything.
Answer read_position(const TapeCall& call) {
    const std::uint8_t form = call.call.cdb[1] & 0x1f;
    if (form == long_form) return good(position_long(call), 32);
    if (form == extended_form) return good(position_extended(call), cdb_u16(call.call.cdb, 7));
    return good(position_short(call), 20);
}

}  // namespace

Answer handle_rewind(const Call& call) {
    return with_tape(call, rewind);
}

Answer handle_space_6(const Call& call) {
    if (!is_known(call.cdb[1] & 0x0f)) return invalid_field_in_cdb(1, 3);
    return with_tape(call, space_6);
}

Answer handle_space_16(const Call& call) {
    if (!is_known(call.cdb[1] & 0x0f)) return invalid_field_in_cdb(1, 3);
    return with_tape(call, space_16);
}

Answer handle_locate_10(const Call& call) {
    if (auto refused = other_partition(call, 8)) return refused;
    return with_tape(call, locate_10);
}

Answer handle_locate_16(const Call& call) {
    const std::uint8_t type = destination_type(call.cdb);
    const bool known = type <= static_cast<std::uint8_t>(Destination::file) ||
                       type == static_cast<std::uint8_t>(Destination::end_of_data);
    if (!known) return invalid_field_in_cdb(1, 5);
    if (auto refused = other_partition(call, 3)) return refused;
    return with_tape(call, locate_16);
}

Answer handle_read_position(const Call& call) {
    const std::uint8_t form = call.cdb[1] & 0x1f;
    if (form != short_form && form != short_form_vendor && form != long_form &&
        form != extended_form) {
        return invalid_field_in_cdb(1, 4);
    }
    return with_tape(call, read_position);
}

Answer handle_read_block_limits(const Call& call) {
    constexpr std::uint8_t maximum_identifier = 0x01;  // MLOI
    constexpr std::uint64_t object_number_max = 0xffff'ffff'ffff;
    scsi::ByteWriter out;
    if ((call.cdb[1] & maximum_identifier) != 0) {
        out.zeros(12).u64(object_number_max);
        return good(out.take(), 20);
    }
    out.u8(0).u24(block_length_max).u16(1);
    return good(out.take(), 6);
}

}  // namespace drive_iface::virtual_library

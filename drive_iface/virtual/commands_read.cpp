// READ and VERIFY: blocks coming off the tape.

#include <algorithm>

#include "drive_iface/virtual/handlers.hpp"
#include "drive_iface/virtual/loading.hpp"
#include "drive_iface/virtual/logical_unit.hpp"
#include "drive_iface/virtual/medium_access.hpp"

namespace drive_iface::virtual_library {
namespace {

namespace code = scsi::additional_sense;
using scsi::SenseKey;

constexpr std::uint8_t fixed_bit = 0;
constexpr std::uint8_t silent_bit = 1;  // SILI of READ; BYTCMP of VERIFY

bool bit(const Call& call, std::uint8_t number) {
    return (call.cdb[1] >> number & 1) != 0;
}

// INFORMATION is two's complement, so a block longer than asked for makes it negative
// (SSC-3 6.4).
std::uint32_t residue(std::uint64_t wanted, std::uint64_t got) {
    return static_cast<std::uint32_t>(wanted - got);
}

scsi::SenseData sense_of(const ReadOne& one, std::uint32_t information) {
    scsi::SenseData sense{.information = information};
    switch (one.met) {
        case Met::filemark:
            sense.additional = code::filemark_detected;
            sense.filemark = true;
            break;
        case Met::end_of_data:
            sense.key = SenseKey::blank_check;
            sense.additional = code::end_of_data_detected;
            break;
        case Met::incorrect_length:
            sense.incorrect_length = true;
            break;
        case Met::damaged_block:
            sense.key = SenseKey::medium_error;
            sense.additional = code::unrecovered_read_error;
            break;
        case Met::nothing:
        case Met::beginning:
        case Met::end_of_medium:
            break;
    }
    return sense;
}

void count_block(const TapeCall& call, std::uint64_t bytes) {
    for (TapeCounters* counters : {&call.drive().since_power_on, &call.drive().since_load}) {
        ++counters->blocks_read;
        counters->bytes_read += bytes;
    }
}

CommandReply with_data(CommandReply reply, const TapeCall& call) {
    reply.data_in = std::move(call.unfinished().data_in);
    return reply;
}

CommandReply stopped(const TapeCall& call, const ReadOne& one, std::uint32_t information) {
    if (one.met == Met::damaged_block) {
        call.drive().trouble = one.damage;
        count_read_error(call);
    }
    return with_data(check_condition(sense_of(one, information)), call);
}

// One block of up to `length` bytes.
Answer read_variable(const TapeCall& call, std::uint32_t length) {
    const auto one = read_block(call.tape(), length, true, call.unfinished().data_in);
    if (!one) return std::nullopt;
    if (one->met == Met::nothing || one->met == Met::incorrect_length)
        count_block(call, call.unfinished().data_in.size());
    if (one->met == Met::nothing) return with_data(good(), call);
    if (one->met != Met::incorrect_length) return stopped(call, *one, length);
    // SILI hides a short block, and a long one while no block length is set (SSC-3 6.4).
    const bool too_long = one->actual_length > length;
    const bool hidden =
        bit(call.call, silent_bit) && (!too_long || call.user.mode.block_length == 0);
    if (hidden) return with_data(good(), call);
    return stopped(call, *one, residue(length, one->actual_length));
}

// `count` blocks of the block length set; one of another length is left out and ends it.
Answer read_fixed(const TapeCall& call, std::uint32_t count) {
    Unfinished& so_far = call.unfinished();
    const std::uint32_t block_length = call.user.mode.block_length;
    if (so_far.done == 0) {
        const std::uint64_t there = call.cartridge().end_of_data() - call.tape().position;
        so_far.data_in.reserve(std::min<std::uint64_t>(count, there) * block_length);
    }
    while (so_far.done < count) {
        const auto one = read_block(call.tape(), block_length, false, so_far.data_in);
        if (!one) {
            // Let the rest be fetched in one go.
            static_cast<void>(call.cartridge().at_hand(call.tape().position, count - so_far.done));
            return std::nullopt;
        }
        if (one->met != Met::nothing) return stopped(call, *one, residue(count, so_far.done));
        count_block(call, block_length);
        ++so_far.done;
    }
    return with_data(good(), call);
}

struct Transfer {
    std::uint8_t length_at;  // byte of TRANSFER LENGTH in the CDB
    bool explicit_address;
};
constexpr Transfer six_byte{2, false};
constexpr Transfer sixteen_byte{12, true};

// Of SSC-3 table 9: the object that a READ(16) begins with.
constexpr std::size_t partition_at = 3;
constexpr std::size_t identifier_at = 4;

Answer invalid_transfer(const Call& call, const Transfer& form) {
    const std::uint32_t length = cdb_u24(call.cdb, form.length_at);
    const std::uint32_t block_length = user_of(call.drive().tape, call.nexus_id).mode.block_length;
    if (bit(call, fixed_bit) && block_length == 0) return invalid_field_in_cdb(1, fixed_bit);
    const std::uint64_t bytes =
        bit(call, fixed_bit) ? std::uint64_t{length} * block_length : length;
    if (bytes > transfer_bytes_max) return invalid_field_in_cdb(form.length_at);
    if (form.explicit_address && call.cdb[partition_at] != 0)
        return invalid_field_in_cdb(partition_at);
    return std::nullopt;
}

// An explicit address is where the tape stands already, mostly.
Answer read_there(const TapeCall& call, const Transfer& form) {
    constexpr std::uint8_t standing_there = 1;
    const Call& command = call.call;
    const std::uint32_t length = cdb_u24(command.cdb, form.length_at);
    if (length == 0) return good();
    if (form.explicit_address && call.unfinished().stage != standing_there) {
        Answer reply;
        if (!has_left_what_was_written(call, reply)) return reply;
        const auto moved = locate_object(call.tape(), cdb_u64(command.cdb, identifier_at));
        if (moved.met != Met::nothing) return stopped(call, {.met = moved.met}, length);
        call.unfinished().stage = standing_there;
    }
    return bit(command, fixed_bit) ? read_fixed(call, length) : read_variable(call, length);
}

Answer read_6(const TapeCall& call) {
    return read_there(call, six_byte);
}

Answer read_16(const TapeCall& call) {
    return read_there(call, sixteen_byte);
}

// What READ would meet, without the data (SSC-3 7.13).
Answer verify(const TapeCall& call) {
    auto reply = read_there(call, six_byte);
    if (reply) reply->data_in.clear();
    return reply;
}

}  // namespace

Answer handle_read_6(const Call& call) {
    // FIXED and SILI exclude each other (SSC-3 6.4).
    if (bit(call, fixed_bit) && bit(call, silent_bit)) return invalid_field_in_cdb(1, silent_bit);
    if (auto refused = invalid_transfer(call, six_byte)) return refused;
    return with_tape(call, read_6);
}

Answer handle_read_16(const Call& call) {
    if (bit(call, fixed_bit) && bit(call, silent_bit)) return invalid_field_in_cdb(1, silent_bit);
    if (auto refused = invalid_transfer(call, sixteen_byte)) return refused;
    return with_tape(call, read_16);
}

Answer handle_verify_6(const Call& call) {
    if (bit(call, silent_bit)) return invalid_field_in_cdb(1, silent_bit);
    if (auto refused = invalid_transfer(call, six_byte)) return refused;
    return with_tape(call, verify);
}

}  // namespace drive_iface::virtual_library

#include "test/unit/rmt/memory_drives.hpp"

#include <cerrno>

#include "drive_iface/scsi/mode.hpp"
#include "drive_iface/scsi/sense.hpp"

namespace rmt_test {

using namespace virtual_library;
using scsi::SenseData;
using scsi::SenseKey;

namespace {

CommandReply good(Bytes data = {}) {
    return {.status = Status::good, .data_in = std::move(data), .sense = {}};
}

CommandReply check(const SenseData& sense, Bytes data = {}) {
    return {.status = Status::check_condition,
            .data_in = std::move(data),
            .sense = scsi::encode_fixed_sense(sense)};
}

CommandReply moved(const Moved& result) {
    SenseData sense;
    sense.information = result.left;
    switch (result.met) {
        case Met::nothing:
            return good();
        case Met::filemark:
            sense.filemark = true;
            sense.additional = {0x00, 0x01};
            break;
        case Met::beginning:
            sense.end_of_medium = true;
            sense.additional = scsi::additional_sense::beginning_of_partition_detected;
            break;
        case Met::end_of_data:
            sense.key = SenseKey::blank_check;
            sense.additional = scsi::additional_sense::end_of_data_detected;
            break;
        case Met::end_of_medium:
        case Met::incorrect_length:
        case Met::damaged_block:
            sense.key = SenseKey::medium_error;
            break;
    }
    return check(sense);
}

std::int32_t signed_24(std::uint32_t value) {
    return static_cast<std::int32_t>(value << 8) >> 8;
}

CommandReply read(Tape& tape, std::uint32_t length) {
    Bytes data;
    const auto one = read_block(tape, length, true, data);
    SenseData sense;
    if (one->met == Met::nothing) return good(std::move(data));
    if (one->met != Met::incorrect_length) return moved({one->met, length});
    sense.incorrect_length = true;
    sense.information = static_cast<std::uint32_t>(length - one->actual_length);
    return check(sense, std::move(data));
}

CommandReply written(const Written& result) {
    if (result.end_of_medium) {
        return check(
            {.key = SenseKey::volume_overflow, .additional = {0x00, 0x02}, .end_of_medium = true});
    }
    if (result.early_warning) return check({.additional = {0x00, 0x02}, .end_of_medium = true});
    return good();
}

CommandReply position_of(const Tape& tape) {
    scsi::ByteWriter bytes;
    bytes.u8(tape.position == 0 ? 0x80 : 0).zeros(7).u64(tape.position);
    bytes.u64(tape.cartridge->filemarks_before(tape.position)).zeros(8);
    return good(bytes.take());
}

}  // namespace

MemoryDrives::MemoryDrives(std::uint64_t capacity)
    : medium_(std::make_shared<MemoryMedium>(
          CartridgeFacts{.barcode = "VOL001L8", .capacity = capacity})) {
    tape_.cartridge = std::make_unique<MemoryCartridge>(medium_);
}

std::vector<TapeDriveFacts> MemoryDrives::drives() const {
    return {{"VT00000001", false}, {"VT00000002", false}};
}

void MemoryDrives::open(const WantedTape& wanted, const agent::core::InitiatorPort& port,
                        Opened opened) {
    if (wanted.volume && *wanted.volume != "VOL001L8")
        return opened(Refusal{ENOENT, "no such volume"});
    opened_by.push_back(port.name);
    ++open_count;
    opened(NexusId{++last_nexus_});
}

void MemoryDrives::close(NexusId) {
    --open_count;
}

std::optional<std::uint32_t> MemoryDrives::write_session(NexusId) {
    return std::nullopt;
}

void MemoryDrives::execute(NexusId, const Bytes& cdb, Bytes data_out, Executed executed) {
    executed(run(cdb, data_out));
}

CommandReply MemoryDrives::run(const Bytes& cdb, Bytes& data_out) {
    if (reserved_by_another) return {.status = Status::reservation_conflict};
    if (attentions > 0) {
        --attentions;
        return check({.key = SenseKey::unit_attention, .additional = {0x29, 0x00}});
    }
    scsi::ByteReader bytes(cdb);
    const auto operation_code = bytes.u8();
    const auto flags = bytes.u8();
    const std::uint32_t count = operation_code == 0x2b ? (bytes.skip(1), bytes.u32()) : bytes.u24();
    switch (operation_code) {
        case 0x00:
            return good();
        case 0x01:
            tape_.position = 0;
            return good();
        case 0x08:
            return read(tape_, count);
        case 0x0a:
            return written(*write_blocks(tape_, data_out, count));
        case 0x10:
            if (count == 0) return good();
            return written(*write_filemarks(tape_, count));
        case 0x11:
            if (flags == 0) return moved(space_blocks(tape_, signed_24(count)));
            if (flags == 1) return moved(space_filemarks(tape_, signed_24(count)));
            tape_.position = tape_.cartridge->end_of_data();
            return good();
        case 0x19:
            erase_from_here(tape_);
            return good();
        case 0x1a:
            return good(scsi::encode_mode_parameters_6(
                {.device_specific =
                     static_cast<std::uint8_t>(medium_->facts.write_protected ? 0x90 : 0x10),
                 .block_descriptor = scsi::BlockDescriptor{.density_code = 0x5e}}));
        case 0x1b:
            tape_.position = 0;
            return good();
        case 0x2b:
            return moved(locate_object(tape_, count));
        case 0x34:
            return position_of(tape_);
        default:
            return check({.key = SenseKey::illegal_request, .additional = {0x20, 0x00}});
    }
}

}  // namespace rmt_test

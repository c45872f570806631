#include "test/integration/iscsi_conformance/ram_disk.hpp"

#include <algorithm>

#include "drive_iface/scsi/bytes.hpp"
#include "drive_iface/virtual/replies.hpp"

namespace iscsi_conformance {
namespace {

namespace scsi = drive_iface::scsi;
using drive_iface::virtual_library::check_condition;

// SBC-3 clause 5, SPC-4 clause 6.
enum Opcode : std::uint8_t {
    test_unit_ready = 0x00,
    request_sense = 0x03,
    inquiry_command = 0x12,
    mode_sense_6 = 0x1a,
    read_capacity_10 = 0x25,
    read_10 = 0x28,
    write_10 = 0x2a,
    write_and_verify_10 = 0x2e,
    synchronize_cache_10 = 0x35,
    persistent_reserve_in = 0x5e,
    read_16 = 0x88,
    write_16 = 0x8a,
    write_and_verify_16 = 0x8e,
    service_action_in_16 = 0x9e,
    report_luns = 0xa0,
    read_12 = 0xa8,
    write_12 = 0xaa,
    write_and_verify_12 = 0xae,
};

enum class Direction : std::uint8_t { reads, writes };
struct Transfer {
    Direction direction = Direction::reads;
    std::uint64_t block = 0;
    std::uint64_t count = 0;
};

std::optional<Direction> direction_of(std::uint8_t opcode) {
    switch (opcode) {
        case read_10:
        case read_12:
        case read_16:
            return Direction::reads;
        case write_10:
        case write_12:
        case write_16:
        case write_and_verify_10:
        case write_and_verify_12:
        case write_and_verify_16:
            return Direction::writes;
        default:
            return std::nullopt;
    }
}

// The group code in the upper three bits tells how long the CDB is (SPC-4, operation code).
std::optional<Transfer> transfer_of(ByteView cdb) {
    const auto direction = direction_of(cdb[0]);
    if (!direction) return std::nullopt;
    scsi::ByteReader in(cdb.subspan(2));
    Transfer transfer{*direction, 0, 0};
    switch (cdb[0] >> 5) {
        case 1:
            transfer.block = in.u32();
            in.skip(1);
            transfer.count = in.u16();
            break;
        case 4:
            transfer.block = in.u64();
            transfer.count = in.u32();
            break;
        default:
            transfer.block = in.u32();
            transfer.count = in.u32();
            break;
    }
    return transfer;
}

CommandReply cut_to(Bytes data, std::size_t allocation_length) {
    data.resize(std::min(data.size(), allocation_length));
    return {.data_in = std::move(data)};
}

CommandReply refuse(scsi::AdditionalSense why) {
    return check_condition(scsi::SenseKey::illegal_request, why);
}

constexpr scsi::AdditionalSense block_address_out_of_range{0x21, 0x00};

}  // namespace

agent::core::Result<NexusId> RamDisk::nexus_established(const std::string&,
                                                        const agent::core::InitiatorPort&) {
    return NexusId{++last_nexus_};
}

std::size_t RamDisk::data_out_length(NexusId, ByteView cdb) {
    const auto transfer = transfer_of(cdb);
    if (!transfer || transfer->direction == Direction::reads) return 0;
    return static_cast<std::size_t>(std::min(transfer->count, blocks()) * block_length);
}

CommandReply RamDisk::inquiry(ByteView cdb) const {
    scsi::ByteWriter out;
    const std::size_t allocation = static_cast<std::size_t>(cdb[3]) << 8 | cdb[4];
    if ((cdb[1] & 0x01) == 0) {
        if (cdb[2] != 0) return refuse(scsi::additional_sense::invalid_field_in_cdb);
        out.u8(0).u8(0).u8(0x06).u8(0x02).u8(31).zeros(2).u8(0x02);
        out.ascii("TEST", 8).ascii("RAM DISK", 16).ascii("0001", 4);
        return cut_to(out.take(), allocation);
    }
    switch (cdb[2]) {
        case 0x00:
            out.u8(0).u8(0x00).u16(3).u8(0x00).u8(0x80).u8(0x83);
            break;
        case 0x80:
            out.u8(0).u8(0x80).u16(10).ascii("RAM0000001", 10);
            break;
        case 0x83:
            out.u8(0).u8(0x83).u16(22).u8(0x02).u8(0x01).u8(0).u8(18);
            out.ascii("TEST", 8).ascii("RAM0000001", 10);
            break;
        default:
            return refuse(scsi::additional_sense::invalid_field_in_cdb);
    }
    return cut_to(out.take(), allocation);
}

CommandReply RamDisk::capacity(ByteView cdb) const {
    scsi::ByteWriter out;
    if (cdb[0] == read_capacity_10) {
        out.u32(static_cast<std::uint32_t>(blocks() - 1)).u32(block_length);
        return {.data_in = out.take()};
    }
    if ((cdb[1] & 0x1f) != 0x10) return refuse(scsi::additional_sense::invalid_field_in_cdb);
    out.u64(blocks() - 1).u32(block_length).zeros(20);
    scsi::ByteReader length(cdb.subspan(10, 4));
    return cut_to(out.take(), length.u32());
}

CommandReply RamDisk::run(ByteView cdb, const Bytes& data_out) {
    if (const auto transfer = transfer_of(cdb)) {
        if (transfer->block > blocks() || transfer->count > blocks() - transfer->block)
            return refuse(block_address_out_of_range);
        const auto begin =
            data_.begin() + static_cast<std::ptrdiff_t>(transfer->block * block_length);
        const auto size = static_cast<std::size_t>(transfer->count * block_length);
        if (transfer->direction == Direction::reads)
            return {.data_in = Bytes(begin, begin + static_cast<std::ptrdiff_t>(size))};
        std::copy_n(data_out.begin(), std::min(size, data_out.size()), begin);
        return {};
    }
    switch (cdb[0]) {
        case test_unit_ready:
        case synchronize_cache_10:
            return {};
        case request_sense:
            return cut_to(scsi::encode_fixed_sense({}), cdb[4]);
        case inquiry_command:
            return inquiry(cdb);
        case mode_sense_6:
            return cut_to({3, 0, 0, 0}, cdb[4]);
        case read_capacity_10:
        case service_action_in_16:
            return capacity(cdb);
        case persistent_reserve_in:  // no keys: the tool looks for them after each test
            return cut_to(Bytes(8, 0), static_cast<std::size_t>(cdb[7]) << 8 | cdb[8]);
        case report_luns: {
            scsi::ByteWriter out;
            out.u32(8).zeros(12);
            scsi::ByteReader length(cdb.subspan(6, 4));
            return cut_to(out.take(), length.u32());
        }
        default:
            return refuse(scsi::additional_sense::invalid_command_operation_code);
    }
}

std::optional<CommandReply> RamDisk::execute(NexusId, TaskId, std::uint64_t lun, ByteView cdb,
                                             Bytes& data_out, Later) {
    if (lun != 0) return refuse(scsi::additional_sense::logical_unit_not_supported);
    return run(cdb, data_out);
}

}  // namespace iscsi_conformance

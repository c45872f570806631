#include "drive_iface/rmt/magnetic_tape_status.hpp"

namespace drive_iface::rmt {

namespace {

constexpr std::int64_t type_scsi_2 = 0x72;

std::int64_t density_and_length(const MagneticTapeStatus& status) {
    return std::int64_t{status.density} << 24 | (status.block_length & 0xffffff);
}

// GMT_EOF and its like.
std::int64_t flags(const MagneticTapeStatus& status) {
    std::int64_t all = 0x00010000;  // IM_REP_EN: buffered
    if (status.at_filemark) all |= 0x80000000;
    if (status.at_beginning) all |= 0x40000000;
    if (status.at_end_of_data) all |= 0x08000000;
    if (status.write_protected) all |= 0x04000000;
    all |= status.loaded ? 0x01000000 : 0x00040000;  // ONLINE, DR_OPEN
    return all;
}

void little_endian(Bytes& bytes, std::int64_t value, int size) {
    for (int at = 0; at < size; ++at)
        bytes.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> (8 * at)));
}

}  // namespace

Bytes encode_status(const MagneticTapeStatus& status) {
    Bytes bytes;
    bytes.reserve(status_size);
    little_endian(bytes, type_scsi_2, 8);
    little_endian(bytes, 0, 8);  // mt_resid
    little_endian(bytes, density_and_length(status), 8);
    little_endian(bytes, flags(status), 8);
    little_endian(bytes, 0, 8);  // mt_erreg
    little_endian(bytes, status.file_number, 4);
    little_endian(bytes, status.block_number, 4);
    return bytes;
}

std::optional<std::int64_t> status_field(const MagneticTapeStatus& status, char field) {
    switch (field) {
        case 'T':
            return type_scsi_2;
        case 'D':
            return density_and_length(status);
        case 'f':
            return flags(status);
        case 'F':
            return status.file_number;
        case 'B':
            return status.block_number;
        case 'E':
        case 'R':
        case 'b':
            return 0;
        default:
            return std::nullopt;
    }
}

}  // namespace drive_iface::rmt

#include "drive_iface/scsi/report_luns.hpp"

#include <algorithm>

#include "drive_iface/scsi/opcodes.hpp"

namespace drive_iface::scsi {

std::array<std::uint8_t, 12> report_luns_cdb(std::uint32_t allocation_length) {
    return {opcode::report_luns,
            0,
            0,
            0,
            0,
            0,
            static_cast<std::uint8_t>(allocation_length >> 24),
            static_cast<std::uint8_t>(allocation_length >> 16),
            static_cast<std::uint8_t>(allocation_length >> 8),
            static_cast<std::uint8_t>(allocation_length),
            0,
            0};
}

agent::core::Result<std::vector<std::uint64_t>> decode_report_luns(ByteView data) {
    ByteReader in(data);
    const std::uint32_t length = in.u32();
    in.skip(4);
    if (!in.ok()) {
        return agent::core::Error{"REPORT LUNS: " + std::to_string(data.size()) +
                                  " bytes, 8 are needed"};
    }
    if (length % 8 != 0) {
        return agent::core::Error{"REPORT LUNS: byte 0: LUN LIST LENGTH " + std::to_string(length) +
                                  " is not a multiple of 8"};
    }
    std::vector<std::uint64_t> luns;
    const std::size_t count = std::min<std::size_t>(length, in.remaining()) / 8;
    for (std::size_t i = 0; i < count; ++i)
        luns.push_back(in.u64());
    return luns;
}

Bytes encode_report_luns(const std::vector<std::uint64_t>& luns) {
    ByteWriter out;
    out.u32(static_cast<std::uint32_t>(luns.size() * 8)).zeros(4);
    for (const std::uint64_t lun : luns)
        out.u64(lun);
    return out.take();
}

}  // namespace drive_iface::scsi

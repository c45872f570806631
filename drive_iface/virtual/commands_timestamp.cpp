// REPORT TIMESTAMP and SET TIMESTAMP (SPC-4).

#include "drive_iface/virtual/handlers.hpp"
#include "drive_iface/virtual/logical_unit.hpp"
#include "drive_iface/virtual/replies.hpp"

namespace drive_iface::virtual_library {
namespace {

constexpr std::uint16_t timestamp_length = 10;  // behind its own two bytes
constexpr std::size_t timestamp_at = 4;

// TIMESTAMP ORIGIN, SPC-4 table 63.
constexpr std::uint8_t zero_at_power_on = 0;
constexpr std::uint8_t set_by_command = 2;
constexpr std::uint8_t set_otherwise = 3;

std::uint8_t origin_of(const Clock& clock) {
    if (clock.set_by_host) return set_by_command;
    return clock.now_ms ? set_otherwise : zero_at_power_on;
}

}  // namespace

Answer handle_report_timestamp(const Call& call) {
    const Clock& clock = call.unit.clock;
    const std::uint64_t now = (clock.now_ms ? clock.now_ms() : 0) + clock.offset_ms;
    scsi::ByteWriter out;
    out.u16(timestamp_length).u8(origin_of(clock)).u8(0);
    out.u16(static_cast<std::uint16_t>(now >> 32)).u32(static_cast<std::uint32_t>(now)).u16(0);
    return good(out.take(), cdb_u32(call.cdb, 6));
}

Answer handle_set_timestamp(const Call& call) {
    constexpr std::size_t list_length = timestamp_length + 2;
    const std::size_t announced = cdb_u32(call.cdb, 6);
    if (announced == 0) return good();
    if (announced != list_length || call.data_out.size() < list_length) {
        return check_condition(scsi::SenseKey::illegal_request,
                               scsi::additional_sense::parameter_list_length_error);
    }
    scsi::ByteReader in(call.data_out);
    in.skip(timestamp_at);
    const std::uint64_t high = in.u16();
    const std::uint64_t wanted = high << 32 | in.u32();
    Clock& clock = call.unit.clock;
    clock.offset_ms = wanted - (clock.now_ms ? clock.now_ms() : 0);
    clock.set_by_host = true;
    attend_others(call.unit, call.nexus_id, scsi::additional_sense::timestamp_changed);
    return good();
}

}  // namespace drive_iface::virtual_library

// READ BUFFER, WRITE BUFFER and RECEIVE DIAGNOSTIC RESULTS: what hosts use to try the way to a
// drive.

#include "drive_iface/virtual/drive_state.hpp"
#include "drive_iface/virtual/handlers.hpp"
#include "drive_iface/virtual/logical_unit.hpp"
#include "drive_iface/virtual/replies.hpp"

namespace drive_iface::virtual_library {
namespace {

namespace code = scsi::additional_sense;

// MODE, SPC-4 6.19 and 6.47.
constexpr std::uint8_t buffer_descriptor = 0x03;
constexpr std::uint8_t echo_buffer = 0x0a;
constexpr std::uint8_t echo_buffer_descriptor = 0x0b;

constexpr std::uint8_t mode_of(const Call& call) {
    return call.cdb[1] & 0x1f;
}

}  // namespace

Answer handle_write_buffer(const Call& call) {
    const std::uint32_t length = cdb_u24(call.cdb, 6);
    if (mode_of(call) != echo_buffer) return invalid_field_in_cdb(1, 4);
    if (length > TapeState::echo_buffer_size) return invalid_field_in_cdb(6);
    if (call.data_out.size() < length) {
        return check_condition(scsi::SenseKey::illegal_request, code::parameter_list_length_error);
    }
    call.data_out.resize(length);
    call.drive().tape.echo_buffers[call.nexus_id] = std::move(call.data_out);
    return good();
}

Answer handle_read_buffer(const Call& call) {
    const std::size_t allocation_length = cdb_u24(call.cdb, 6);
    const auto& buffers = call.drive().tape.echo_buffers;
    switch (mode_of(call)) {
        case buffer_descriptor:
            return good(Bytes(4, 0), allocation_length);  // no buffer of that number
        case echo_buffer: {
            const auto written = buffers.find(call.nexus_id);
            if (written == buffers.end()) {
                return check_condition(scsi::SenseKey::illegal_request,
                                       code::command_sequence_error);
            }
            return good(written->second, allocation_length);
        }
        case echo_buffer_descriptor: {
            constexpr auto size = static_cast<std::uint16_t>(TapeState::echo_buffer_size);
            scsi::ByteWriter out;
            out.u16(0).u16(size);
            return good(out.take(), allocation_length);
        }
        default:
            return invalid_field_in_cdb(1, 4);
    }
}

// The list of diagnostic pages, which has itself alone (SPC-4 7.2.8).
Answer handle_receive_diagnostic_results(const Call& call) {
    constexpr std::uint8_t page_code_valid = 0x01;
    if ((call.cdb[1] & page_code_valid) != 0 && call.cdb[2] != 0) return invalid_field_in_cdb(2);
    return good({0, 0, 0, 1, 0}, cdb_u16(call.cdb, 3));
}

}  // namespace drive_iface::virtual_library

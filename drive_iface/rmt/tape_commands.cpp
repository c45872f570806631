#include "drive_iface/rmt/tape_commands.hpp"

#include "drive_iface/scsi/bytes.hpp"

namespace drive_iface::rmt {

namespace {

// The form most commands of SSC-3 have: an operation code, flags, 24 bits, control.
Bytes six_bytes(std::uint8_t operation_code, std::uint8_t flags, std::uint32_t count) {
    return scsi::ByteWriter().u8(operation_code).u8(flags).u24(count).u8(0).take();
}

std::uint32_t two_complement(std::int32_t count) {
    return static_cast<std::uint32_t>(count) & 0xffffff;
}

}  // namespace

Bytes test_unit_ready() {
    return six_bytes(0x00, 0, 0);
}
Bytes rewind() {
    return six_bytes(0x01, 0, 0);
}
Bytes read_block(std::uint32_t length) {
    return six_bytes(0x08, 0, length);
}
Bytes write_block(std::uint32_t length) {
    return six_bytes(0x0a, 0, length);
}
Bytes write_filemarks(std::uint32_t count, bool immediate) {
    return six_bytes(0x10, immediate ? 1 : 0, count);
}
Bytes space_blocks(std::int32_t count) {
    return six_bytes(0x11, 0, two_complement(count));
}
Bytes space_filemarks(std::int32_t count) {
    return six_bytes(0x11, 1, two_complement(count));
}
Bytes space_to_end_of_data() {
    return six_bytes(0x11, 3, 0);
}
Bytes erase_to_end() {
    return six_bytes(0x19, 1, 0);  // LONG
}
Bytes locate(std::uint32_t object) {
    return scsi::ByteWriter().u8(0x2b).u16(0).u32(object).u24(0).take();
}
Bytes load(bool retension) {
    return six_bytes(0x1b, 0, retension ? 3 : 1);
}
Bytes unload() {
    return six_bytes(0x1b, 0, 0);
}
Bytes prevent_removal(bool prevent) {
    return six_bytes(0x1e, 0, prevent ? 1 : 0);
}
Bytes mode_sense_header() {
    return six_bytes(0x1a, 0, 12);
}
Bytes read_position_long() {
    return scsi::ByteWriter().u8(0x34).u8(0x06).zeros(8).take();
}

}  // namespace drive_iface::rmt

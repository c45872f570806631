#include "drive_iface/scsi/reserve.hpp"

#include "drive_iface/scsi/opcodes.hpp"

namespace drive_iface::scsi {

std::array<std::uint8_t, 6> test_unit_ready_cdb() {
    return {opcode::test_unit_ready};
}

std::array<std::uint8_t, 6> request_sense_cdb(std::uint8_t allocation_length) {
    return {opcode::request_sense, 0, 0, 0, allocation_length, 0};
}

std::array<std::uint8_t, 6> reserve_6_cdb() {
    return {opcode::reserve_6};
}

std::array<std::uint8_t, 6> release_6_cdb() {
    return {opcode::release_6};
}

std::array<std::uint8_t, 10> reserve_10_cdb() {
    return {opcode::reserve_10};
}

std::array<std::uint8_t, 10> release_10_cdb() {
    return {opcode::release_10};
}

}  // namespace drive_iface::scsi

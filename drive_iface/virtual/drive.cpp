#include "drive_iface/virtual/drive.hpp"

#include <utility>

#include "drive_iface/scsi/inquiry.hpp"

namespace drive_iface::virtual_library {
namespace {

// Annex D of SPC-4: SAM-5, iSCSI, SPC-4, SSC-3.
const std::vector<std::uint16_t> version_descriptors{0x00a0, 0x0960, 0x0460, 0x0400};

LogicalUnitIdentity tape_drive(const DriveIdentity& identity) {
    Bytes extended_inquiry(60, 0);                // SPC-4 7.8.7: no protection information
    extended_inquiry[1] = 0x01;                   // SIMPSUP: only simple task attributes
    constexpr std::size_t capabilities_size = 2;  // SSC-3 8.4.2: no WORM
    return {.device_type = scsi::device_type::sequential_access,
            .vendor = identity.vendor,
            .product = identity.product,
            .serial = identity.serial,
            .version_descriptors = version_descriptors,
            .vital_product_data = {
                {scsi::vpd_page::extended_inquiry, extended_inquiry},
                {scsi::vpd_page::sequential_access_capabilities, Bytes(capabilities_size, 0)},
                {scsi::vpd_page::manufacturer_serial_number,
                 Bytes(identity.serial.begin(), identity.serial.end())}}};
}

}  // namespace

Drive::Drive(const DriveIdentity& identity) {
    unit_.identity = tape_drive(identity);
    state_.element_address = identity.element_address;
}

Answer Drive::execute(NexusId id, std::uint64_t lun, std::span<const std::uint8_t> cdb,
                      Bytes& data_out, std::vector<LibraryEvent>& events) {
    return virtual_library::execute(unit_, &state_, drive_commands(), id, lun, cdb, data_out,
                                    events);
}

std::size_t Drive::data_out_length(std::span<const std::uint8_t> cdb) const {
    const Cdb whole = padded(cdb);
    const CommandRow* row = cdb.empty() ? nullptr : find_command(drive_commands(), whole);
    return row == nullptr ? 0 : announced_data_out(*row, whole, state_.block_length);
}

bool Drive::manage(NexusId id, std::uint64_t lun, TaskManagement function,
                   std::vector<LibraryEvent>& events) {
    const Managed managed = virtual_library::manage(unit_, id, lun, function, events);
    if (managed == Managed::was_reset) state_.block_length = 0;
    return managed != Managed::not_supported;
}

void Drive::power_cycle(std::vector<LibraryEvent>& events) {
    state_.medium_loaded = true;
    state_.host_unloaded = false;
    state_.block_length = 0;
    virtual_library::power_cycle(unit_, events);
}

}  // namespace drive_iface::virtual_library

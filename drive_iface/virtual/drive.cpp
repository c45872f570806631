#include "drive_iface/virtual/drive.hpp"

#include <utility>

#include "drive_iface/scsi/inquiry.hpp"
#include "drive_iface/virtual/loading.hpp"
#include "drive_iface/virtual/medium_access.hpp"
#include "drive_iface/virtual/tape_mode.hpp"

namespace drive_iface::virtual_library {
namespace {

// Annex D of SPC-4: SAM-5, iSCSI, SPC-4, SSC-3.
const std::vector<std::uint16_t> version_descriptors{0x00a0, 0x0960, 0x0460, 0x0400};

LogicalUnitIdentity tape_drive(const DriveIdentity& identity) {
    const Bytes worm_and_no_more{0x01, 0};  // WORM, SSC-3 8.4.2
    Bytes extended_inquiry(60, 0);          // SPC-4 7.8.7: no protection information
    extended_inquiry[1] = 0x01;             // SIMPSUP: only simple task attributes
    return {.device_type = scsi::device_type::sequential_access,
            .vendor = identity.vendor,
            .product = identity.product,
            .serial = identity.serial,
            .version_descriptors = version_descriptors,
            .vital_product_data = {
                {scsi::vpd_page::extended_inquiry, extended_inquiry},
                {scsi::vpd_page::sequential_access_capabilities, worm_and_no_more},
                {scsi::vpd_page::manufacturer_serial_number,
                 Bytes(identity.serial.begin(), identity.serial.end())},
                {scsi::vpd_page::tape_alert_supported_flags, TapeAlerts::supported_flags()}}};
}

// Which library, and which of its drives (SSC-4, vital product data).
void say_where_it_stands(LogicalUnitIdentity& unit, const DriveIdentity& identity) {
    constexpr std::uint8_t automation_device_serial_number = 0xb3;
    constexpr std::uint8_t data_transfer_device_element_address = 0xb4;
    const std::string& library = identity.library_serial;
    unit.vital_product_data[automation_device_serial_number] = {library.begin(), library.end()};
    unit.vital_product_data[data_transfer_device_element_address] = {
        static_cast<std::uint8_t>(identity.element_address >> 8),
        static_cast<std::uint8_t>(identity.element_address & 0xff)};
}

}  // namespace

Drive::Drive(const DriveIdentity& identity, CartridgeShelf* shelf, ParallelCartridges* parallel) {
    unit_.identity = tape_drive(identity);
    if (!identity.library_serial.empty()) say_where_it_stands(unit_.identity, identity);
    unit_.medium_per_nexus = parallel != nullptr;
    state_.element_address = identity.element_address;
    state_.tape.shelf = shelf;
    state_.tape.parallel = parallel;
    state_.tape.vendor = identity.vendor;
    state_.tape.serial = identity.serial;
    state_.tape.personality = &personality_of_product(identity.product);
}

Answer Drive::execute(NexusId id, std::uint64_t lun, std::span<const std::uint8_t> cdb,
                      Bytes& data_out, std::vector<LibraryEvent>& events, CommandNumber number) {
    settle();
    return virtual_library::execute(unit_, &state_, drive_commands(), id, lun, cdb, data_out,
                                    events, number);
}

std::size_t Drive::data_out_length(NexusId id, std::span<const std::uint8_t> cdb) const {
    const Cdb whole = padded(cdb);
    const CommandRow* row = cdb.empty() ? nullptr : find_command(drive_commands(), whole);
    if (row == nullptr) return 0;
    return announced_data_out(*row, whole, mode_of(state_.tape, id).block_length);
}

bool Drive::manage(NexusId id, std::uint64_t lun, TaskManagement function,
                   std::vector<LibraryEvent>& events) {
    const Managed managed = virtual_library::manage(unit_, id, lun, function, events);
    if (managed == Managed::was_reset) reset(state_.tape);
    return managed != Managed::not_supported;
}

void Drive::power_cycle(Cache cache, std::vector<LibraryEvent>& events) {
    virtual_library::power_cycle(state_.tape, cache);
    virtual_library::power_cycle(unit_, events);
}

void Drive::nexus_lost(NexusId id, std::vector<LibraryEvent>& events) {
    forget_nexus(state_.tape, id);
    virtual_library::nexus_lost(unit_, id, events);
}

void Drive::share(ParallelCartridges* parallel) {
    state_.tape.parallel = parallel;
    unit_.medium_per_nexus = parallel != nullptr;
}

void Drive::insert(const std::string& barcode) {
    insert_cartridge(state_.tape, barcode);
}

void Drive::settle() {
    settle_medium(unit_, state_.tape);
}

}  // namespace drive_iface::virtual_library

#include <algorithm>

#include "drive_iface/device/patient_execute.hpp"
#include "drive_iface/discovery/device_survey.hpp"
#include "drive_iface/scsi/element_status.hpp"
#include "drive_iface/scsi/opcodes.hpp"

namespace drive_iface::discovery {

using agent::core::Duration;
using agent::core::Error;
using agent::core::Result;

namespace {

constexpr std::uint32_t first_answer_size = 8'192;
constexpr std::uint32_t answer_size_max = 1'024 * 1'024;

Result<std::vector<LibraryDrive>> read_drive_elements(Transport& changer, Duration timeout,
                                                      bool current_data, bool& refused) {
    scsi::ReadElementStatus wanted;
    wanted.type = scsi::element_type::data_transfer;
    wanted.current_data = current_data;
    wanted.device_identifiers = true;
    wanted.allocation_length = first_answer_size;
    for (;;) {
        const auto cdb = scsi::read_element_status_cdb(wanted);
        const auto reply =
            execute_patiently(changer, {cdb, {}, wanted.allocation_length}, timeout, nullptr);
        if (!reply) return reply.error().within("READ ELEMENT STATUS");
        refused = says_not_supported(*reply);
        if (reply->status != scsi::status::good)
            return Error{"READ ELEMENT STATUS: " + in_words(*reply)};
        const auto status = scsi::decode_element_status(reply->data_in);
        if (!status) return status.error();
        const bool cut = status->whole_size > wanted.allocation_length;
        if (cut && wanted.allocation_length < answer_size_max) {
            wanted.allocation_length = static_cast<std::uint32_t>(
                std::min<std::size_t>(status->whole_size, answer_size_max));
            continue;
        }
        std::vector<LibraryDrive> drives;
        for (const auto& element : status->elements) {
            if (element.type == scsi::element_type::data_transfer)
                drives.push_back({element.address, element.device_identifier});
        }
        return drives;
    }
}

bool identifies_any(const std::vector<LibraryDrive>& drives) {
    return std::any_of(drives.begin(), drives.end(),
                       [](const LibraryDrive& drive) { return drive.identifier.has_value(); });
}

}  // namespace

Result<std::vector<LibraryDrive>> survey_changer(Transport& changer, Duration timeout) {
    bool refused = false;
    auto drives = read_drive_elements(changer, timeout, true, refused);
    if (drives ? identifies_any(*drives) || drives->empty() : !refused) return drives;
    auto again = read_drive_elements(changer, timeout, false, refused);
    // What the first answer knew of addresses is better than nothing.
    return again || !drives ? again : drives;
}

}  // namespace drive_iface::discovery

#include "drive_iface/device/registrations.hpp"

namespace drive_iface {

using namespace agent::core;

DriveExamined examined(const DriveSerial& drive, const DriveLook& look) {
    DriveExamined told{drive, look.reading->reservation, std::nullopt, std::nullopt, std::nullopt};
    if (look.reading->registrations) {
        told.registrations.emplace();
        for (const auto& descriptor : *look.reading->registrations) {
            // With ALL_TG_PT the port number means nothing (SPC-4 6.15.5).
            const std::uint16_t target_port =
                descriptor.all_target_ports ? std::uint16_t{0} : descriptor.relative_target_port;
            told.registrations->push_back(
                {descriptor.key, descriptor.port, target_port, descriptor.holder});
        }
    }
    if (look.device_status) {
        told.removal_prevented = look.device_status->prevent_removal;
        told.moves_tape = look.device_status->activity != 0 || look.device_status->in_transition;
    }
    return told;
}

}  // namespace drive_iface

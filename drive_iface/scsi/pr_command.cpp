#include <string_view>

#include "drive_iface/scsi/opcodes.hpp"
#include "drive_iface/scsi/persistent_reserve.hpp"

namespace drive_iface::scsi {

std::optional<PrType> pr_type_from_code(std::uint8_t code) {
    for (const PrType type : pr_types) {
        if (static_cast<std::uint8_t>(type) == code) return type;
    }
    return std::nullopt;
}

bool is_exclusive_access(PrType type) {
    return type == PrType::exclusive_access || type == PrType::exclusive_access_registrants_only ||
           type == PrType::exclusive_access_all_registrants;
}

bool is_registrants_only(PrType type) {
    return type == PrType::write_exclusive_registrants_only ||
           type == PrType::exclusive_access_registrants_only;
}

bool is_all_registrants(PrType type) {
    return type == PrType::write_exclusive_all_registrants ||
           type == PrType::exclusive_access_all_registrants;
}

std::string_view name(PrType type) {
    switch (type) {
        case PrType::write_exclusive:
            return "Write Exclusive";
        case PrType::exclusive_access:
            return "Exclusive Access";
        case PrType::write_exclusive_registrants_only:
            return "Write Exclusive - Registrants Only";
        case PrType::exclusive_access_registrants_only:
            return "Exclusive Access - Registrants Only";
        case PrType::write_exclusive_all_registrants:
            return "Write Exclusive - All Registrants";
        case PrType::exclusive_access_all_registrants:
            return "Exclusive Access - All Registrants";
    }
    return "unknown type";
}

std::string_view name(PrOutAction action) {
    switch (action) {
        case PrOutAction::register_key:
            return "REGISTER";
        case PrOutAction::reserve:
            return "RESERVE";
        case PrOutAction::release:
            return "RELEASE";
        case PrOutAction::clear:
            return "CLEAR";
        case PrOutAction::preempt:
            return "PREEMPT";
        case PrOutAction::preempt_and_abort:
            return "PREEMPT AND ABORT";
        case PrOutAction::register_and_ignore_existing_key:
            return "REGISTER AND IGNORE EXISTING KEY";
        case PrOutAction::register_and_move:
            return "REGISTER AND MOVE";
    }
    return "unknown service action";
}

std::array<std::uint8_t, 10> persistent_reserve_in_cdb(PrInAction action,
                                                       std::uint16_t allocation_length) {
    return {opcode::persistent_reserve_in,
            static_cast<std::uint8_t>(action),
            0,
            0,
            0,
            0,
            0,
            static_cast<std::uint8_t>(allocation_length >> 8),
            static_cast<std::uint8_t>(allocation_length),
            0};
}

std::array<std::uint8_t, 10> persistent_reserve_out_cdb(PrOutAction action, std::uint8_t type,
                                                        std::uint32_t parameter_list_length) {
    return {opcode::persistent_reserve_out,
            static_cast<std::uint8_t>(action),
            static_cast<std::uint8_t>(type & 0x0f),
            0,
            0,
            static_cast<std::uint8_t>(parameter_list_length >> 24),
            static_cast<std::uint8_t>(parameter_list_length >> 16),
            static_cast<std::uint8_t>(parameter_list_length >> 8),
            static_cast<std::uint8_t>(parameter_list_length),
            0};
}

}  // namespace drive_iface::scsi

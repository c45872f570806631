#include "drive_iface/virtual/replies.hpp"

#include <algorithm>
#include <utility>

namespace drive_iface::virtual_library {

CommandReply good() {
    return {};
}

CommandReply good(Bytes data_in, std::size_t allocation_length) {
    data_in.resize(std::min(data_in.size(), allocation_length));
    return {.status = Status::good, .data_in = std::move(data_in), .sense = {}};
}

CommandReply check_condition(const scsi::SenseData& sense) {
    return {
        .status = Status::check_condition, .data_in = {}, .sense = scsi::encode_fixed_sense(sense)};
}

CommandReply check_condition(scsi::SenseKey key, scsi::AdditionalSense additional) {
    return check_condition({.key = key, .additional = additional});
}

CommandReply invalid_field_in_cdb(std::uint16_t byte, std::optional<std::uint8_t> bit) {
    return check_condition({.key = scsi::SenseKey::illegal_request,
                            .additional = scsi::additional_sense::invalid_field_in_cdb,
                            .field = scsi::FieldPointer{.in_cdb = true, .byte = byte, .bit = bit}});
}

CommandReply invalid_field_in_parameter_list(std::uint16_t byte, std::optional<std::uint8_t> bit) {
    return check_condition(
        {.key = scsi::SenseKey::illegal_request,
         .additional = scsi::additional_sense::invalid_field_in_parameter_list,
         .field = scsi::FieldPointer{.in_cdb = false, .byte = byte, .bit = bit}});
}

CommandReply reservation_conflict() {
    return {.status = Status::reservation_conflict, .data_in = {}, .sense = {}};
}

}  // namespace drive_iface::virtual_library

#include <algorithm>

#include "drive_iface/virtual/changer_handlers.hpp"
#include "drive_iface/virtual/element_status.hpp"
#include "drive_iface/virtual/logical_unit.hpp"
#include "drive_iface/virtual/replies.hpp"

namespace drive_iface::virtual_library {
namespace {

constexpr std::uint8_t volume_tag_bit = 0x10;
constexpr std::uint8_t type_mask = 0x0f;
constexpr std::uint8_t type_max = 4;

CommandReply illegal(scsi::AdditionalSense sense) {
    return check_condition(scsi::SenseKey::illegal_request, sense);
}

// Looks at the shelf; the robot has a scanner for that.
void look_again(const Call& call) {
    if (!take_inventory(call.changer())) return;
    attend_others(call.unit, call.nexus_id,
                  scsi::additional_sense::import_or_export_element_accessed);
    call.events.push_back({.drive = {call.unit.identity.serial},
                           .change = LibraryEvent::Change::inventory,
                           .reservation = {},
                           .port = call.nexus.port});
}

// '*' stands for any characters and '?' for one (SMC-3 6.13); blanks at the end do not count.
bool matches(std::string_view pattern, std::string_view text) {
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos;
    std::size_t after_star = 0;
    while (t < text.size()) {
        if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
            ++p;
            ++t;
        } else if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            after_star = t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++after_star;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*')
        ++p;
    return p == pattern.size();
}

}  // namespace

Answer handle_initialize_element_status(const Call& call) {
    look_again(call);
    return good();
}

Answer handle_initialize_element_status_with_range(const Call& call) {
    constexpr std::uint8_t range = 0x01;
    if ((call.cdb[1] & range) != 0 && element_at(call.changer(), cdb_u16(call.cdb, 2)) == nullptr)
        return illegal(scsi::additional_sense::invalid_element_address);
    look_again(call);
    return good();
}

Answer handle_read_element_status(const Call& call) {
    constexpr std::uint8_t device_identifiers = 0x01;
    const std::uint8_t type = call.cdb[1] & type_mask;
    const std::uint16_t first = cdb_u16(call.cdb, 2);
    const std::size_t number = cdb_u16(call.cdb, 4);
    if (type > type_max) return invalid_field_in_cdb(1, 3);
    const auto elements = elements_from(call.changer(), type, first, number);
    if (elements.empty() && number != 0 && first != 0)
        return illegal(scsi::additional_sense::invalid_element_address);
    const ElementStatusForm form{.volume_tags = (call.cdb[1] & volume_tag_bit) != 0,
                                 .device_identifiers = (call.cdb[6] & device_identifiers) != 0};
    return good(encode_element_status(call.changer(), elements, form, 0), cdb_u24(call.cdb, 7));
}

Answer handle_send_volume_tag(const Call& call) {
    constexpr std::size_t list_length = 40;
    constexpr std::size_t template_length = 32;
    constexpr std::uint8_t translations[] = {0x00, 0x01, 0x04, 0x05};  // by primary tags
    const std::uint8_t action = call.cdb[5] & 0x1f;
    const std::size_t announced = cdb_u16(call.cdb, 8);
    const bool known = std::find(std::begin(translations), std::end(translations), action) !=
                       std::end(translations);
    if (!known) return invalid_field_in_cdb(5, 4);
    if (announced != list_length || call.data_out.size() < list_length)
        return illegal(scsi::additional_sense::parameter_list_length_error);
    std::string volume(call.data_out.begin(), call.data_out.begin() + template_length);
    // Some hosts end it with zeros.
    volume.erase(std::find(volume.begin(), volume.end(), '\0'), volume.end());
    volume.erase(volume.find_last_not_of(' ') + 1);
    call.changer().searches[call.nexus_id] = {.volume = std::move(volume), .action = action};
    return good();
}

Answer handle_request_volume_element_address(const Call& call) {
    const std::uint8_t type = call.cdb[1] & type_mask;
    if (type > type_max) return invalid_field_in_cdb(1, 3);
    const auto search = call.changer().searches.find(call.nexus_id);
    if (search == call.changer().searches.end())
        return illegal(scsi::additional_sense::command_sequence_error);
    auto found =
        elements_from(call.changer(), type, cdb_u16(call.cdb, 2), call.changer().elements.size());
    std::erase_if(found, [&search](const Element* element) {
        return element->barcode.empty() || !matches(search->second.volume, element->barcode);
    });
    found.resize(std::min<std::size_t>(found.size(), cdb_u16(call.cdb, 4)));
    const ElementStatusForm form{.volume_tags = (call.cdb[1] & volume_tag_bit) != 0,
                                 .device_identifiers = false};
    return good(encode_element_status(call.changer(), found, form, search->second.action),
                cdb_u24(call.cdb, 7));
}

}  // namespace drive_iface::virtual_library

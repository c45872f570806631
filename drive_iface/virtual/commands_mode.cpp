#include <algorithm>

#include "drive_iface/scsi/mode.hpp"
#include "drive_iface/virtual/cartridge.hpp"
#include "drive_iface/virtual/drive_state.hpp"
#include "drive_iface/virtual/handlers.hpp"
#include "drive_iface/virtual/logical_unit.hpp"
#include "drive_iface/virtual/replies.hpp"

namespace drive_iface::virtual_library {
namespace {

constexpr std::uint8_t lto_8_medium_type = 0x88;
constexpr std::uint8_t lto_8_density = 0x5e;
constexpr std::uint8_t default_density = 0x00;
constexpr std::uint8_t unchanged_density = 0x7f;
constexpr std::uint8_t write_protected = 0x80;  // WP, SSC-3 8.3.1
constexpr std::uint8_t buffered_mode_1 = 0x10;

constexpr std::uint8_t page_block_descriptor_only = 0x00;
constexpr std::uint8_t all_pages = 0x3f;
constexpr std::uint8_t all_subpages = 0xff;

// PC, SPC-4 6.11.1.
constexpr std::uint8_t changeable_values = 1;
constexpr std::uint8_t saved_values = 3;

// None of the values can be changed: a host that tries is told which byte.
std::vector<scsi::ModePage> pages() {
    const auto page = [](std::uint8_t code, Bytes value) {
        return scsi::ModePage{
            .page = code, .subpage = 0, .savable = false, .value = std::move(value)};
    };
    return {
        page(0x01, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0}),  // read-write error recovery, SSC-3 8.3.5
        page(0x02, Bytes(14, 0)),                    // disconnect-reconnect, SPC-4 7.5.10
        page(0x0a, {0, 0x10, 0, 0, 0, 0, 0xff, 0xff, 0,
                    0}),           // control, SPC-4 7.5.8: unlimited busy timeout
        page(0x0f, Bytes(14, 0)),  // data compression, SSC-3 8.3.2: none
        page(0x10, {0, 0, 0, 0, 0, 0, 0x40, 0, 0x10, 0, 0, 0, 0,
                    0}),                                // device configuration, SSC-3 8.3.3
        page(0x11, {0, 0, 0, 0x03, 0, 0}),              // medium partition, SSC-3 8.3.4: one
        page(0x1c, {0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0}),  // informational exceptions: disabled
    };
}

struct Request {
    std::uint8_t page_control;
    std::uint8_t page;
    std::uint8_t subpage;
    bool disable_block_descriptors;
};

// Everything but the encoding is the same for MODE SENSE(6) and (10). Fails with a reply.
std::optional<CommandReply> collect(const Call& call, const Request& request,
                                    scsi::ModeParameters& parameters) {
    if (request.page_control == saved_values) {
        return check_condition(scsi::SenseKey::illegal_request,
                               scsi::additional_sense::saving_parameters_not_supported);
    }
    const bool any_subpage =
        request.subpage == 0 || (request.subpage == all_subpages && request.page == all_pages);
    if (!any_subpage) return invalid_field_in_cdb(3);
    for (scsi::ModePage& page : pages()) {
        if (request.page != all_pages && request.page != page.page) continue;
        if (request.page_control == changeable_values)
            std::fill(page.value.begin(), page.value.end(), std::uint8_t{0});
        parameters.pages.push_back(std::move(page));
    }
    // Linux st asks for page 00h at each open and means the header and the block descriptor.
    if (parameters.pages.empty() && request.page != page_block_descriptor_only)
        return invalid_field_in_cdb(2, 5);

    const bool loaded = call.drive().medium_loaded;
    parameters.medium_type = loaded ? lto_8_medium_type : std::uint8_t{0};
    parameters.device_specific =
        static_cast<std::uint8_t>(buffered_mode_1 | (loaded ? write_protected : 0));
    if (!request.disable_block_descriptors) {
        parameters.block_descriptor =
            scsi::BlockDescriptor{.density_code = loaded ? lto_8_density : default_density,
                                  .block_count = 0,
                                  .block_length = call.drive().block_length};
        if (request.page_control == changeable_values) {
            parameters.block_descriptor = scsi::BlockDescriptor{
                .density_code = 0, .block_count = 0, .block_length = 0xffffff};
        }
    }
    return std::nullopt;
}

Request request_of(const Cdb& cdb) {
    return {.page_control = static_cast<std::uint8_t>(cdb[2] >> 6),
            .page = static_cast<std::uint8_t>(cdb[2] & 0x3f),
            .subpage = cdb[3],
            .disable_block_descriptors = (cdb[1] & 0x08) != 0};
}

// Pages may be sent back as they were read; PS is reserved then, and medium type and WP are the
// drive's business.
std::optional<CommandReply> check_pages(const scsi::ModeParameters& parameters) {
    constexpr std::uint16_t somewhere_in_pages = 4;
    const auto known = pages();
    for (const scsi::ModePage& page : parameters.pages) {
        const bool unchanged =
            std::any_of(known.begin(), known.end(), [&page](const scsi::ModePage& ours) {
                return ours.page == page.page && ours.subpage == page.subpage &&
                       ours.value == page.value;
            });
        if (!unchanged) return invalid_field_in_parameter_list(somewhere_in_pages);
    }
    return std::nullopt;
}

// MODE SELECT changes one thing: the block length. `header_size` is 4 or 8.
CommandReply mode_select(const Call& call, std::size_t list_length, bool ten_byte) {
    constexpr std::uint8_t save_pages = 0x01;
    if ((call.cdb[1] & save_pages) != 0) return invalid_field_in_cdb(1, 0);
    if (list_length == 0) return good();
    if (call.data_out.size() < list_length) {
        return check_condition(scsi::SenseKey::illegal_request,
                               scsi::additional_sense::parameter_list_length_error);
    }
    // MODE DATA LENGTH is reserved in MODE SELECT (SPC-4 7.5.4): put in what is true so that the
    // list decodes.
    scsi::ByteWriter list;
    list.bytes(std::span(call.data_out).first(list_length));
    if (ten_byte && list_length >= 2) list.set_u16(0, static_cast<std::uint16_t>(list_length - 2));
    if (!ten_byte) list.set_u8(0, static_cast<std::uint8_t>(list_length - 1));
    const auto parameters = ten_byte ? scsi::decode_mode_parameters_10(list.view())
                                     : scsi::decode_mode_parameters_6(list.view());
    if (!parameters) {
        return check_condition(scsi::SenseKey::illegal_request,
                               scsi::additional_sense::parameter_list_length_error);
    }
    if (auto refused = check_pages(*parameters)) return *refused;
    if (!parameters->block_descriptor) return good();

    const std::uint16_t descriptor_at = ten_byte ? 8 : 4;
    const scsi::BlockDescriptor& block = *parameters->block_descriptor;
    const bool density_stays = block.density_code == lto_8_density ||
                               block.density_code == default_density ||
                               block.density_code == unchanged_density;
    if (!density_stays) return invalid_field_in_parameter_list(descriptor_at);
    if (block.block_length > block_length_max) {
        return invalid_field_in_parameter_list(static_cast<std::uint16_t>(descriptor_at + 5));
    }
    if (block.block_length != call.drive().block_length) {
        call.drive().block_length = block.block_length;
        attend_others(call.unit, call.nexus_id, scsi::additional_sense::mode_parameters_changed);
    }
    return good();
}

}  // namespace

Answer handle_mode_sense_6(const Call& call) {
    scsi::ModeParameters parameters;
    if (auto refused = collect(call, request_of(call.cdb), parameters)) return *refused;
    return good(scsi::encode_mode_parameters_6(parameters), call.cdb[4]);
}

Answer handle_mode_sense_10(const Call& call) {
    scsi::ModeParameters parameters;
    if (auto refused = collect(call, request_of(call.cdb), parameters)) return *refused;
    return good(scsi::encode_mode_parameters_10(parameters), cdb_u16(call.cdb, 7));
}

Answer handle_mode_select_6(const Call& call) {
    return mode_select(call, call.cdb[4], false);
}
Answer handle_mode_select_10(const Call& call) {
    return mode_select(call, cdb_u16(call.cdb, 7), true);
}

}  // namespace drive_iface::virtual_library

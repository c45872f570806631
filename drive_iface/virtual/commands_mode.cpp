// MODE SENSE and MODE SELECT of a tape drive; what the parameters are is in tape_mode.

#include <algorithm>

#include "drive_iface/scsi/mode.hpp"
#include "drive_iface/virtual/drive_state.hpp"
#include "drive_iface/virtual/handlers.hpp"
#include "drive_iface/virtual/logical_unit.hpp"
#include "drive_iface/virtual/replies.hpp"
#include "drive_iface/virtual/tape_mode.hpp"

namespace drive_iface::virtual_library {
namespace {

constexpr std::uint8_t page_block_descriptor_only = 0x00;
constexpr std::size_t block_descriptor_length = 8;
constexpr std::uint8_t all_pages = 0x3f;
constexpr std::uint8_t no_subpage = 0x00;
constexpr std::uint8_t all_subpages = 0xff;

// PC, SPC-4 6.11.1.
constexpr std::uint8_t changeable_values = 1;
constexpr std::uint8_t default_values = 2;
constexpr std::uint8_t saved_values = 3;

struct Request {
    std::uint8_t page_control;
    std::uint8_t page;
    std::uint8_t subpage;
    bool disable_block_descriptors;
};

Request request_of(const Cdb& cdb) {
    return {.page_control = static_cast<std::uint8_t>(cdb[2] >> 6),
            .page = static_cast<std::uint8_t>(cdb[2] & 0x3f),
            .subpage = cdb[3],
            .disable_block_descriptors = (cdb[1] & 0x08) != 0};
}

bool is_asked_for(const Request& request, const scsi::ModePage& page) {
    const bool code = request.page == all_pages || request.page == page.page;
    return code && (request.subpage == all_subpages || request.subpage == page.subpage);
}

// Everything but the encoding is the same for MODE SENSE(6) and (10). Fails with a reply.
std::optional<CommandReply> collect(const Call& call, const Request& request,
                                    scsi::ModeParameters& parameters) {
    if (request.page_control == saved_values) {
        return check_condition(scsi::SenseKey::illegal_request,
                               scsi::additional_sense::saving_parameters_not_supported);
    }
    const TapeState& drive = call.drive().tape;
    const bool defaults = request.page_control == default_values;
    parameters = tape_mode_parameters(drive, call.nexus_id,
                                      defaults ? TapeMode{} : mode_of(drive, call.nexus_id));
    std::erase_if(parameters.pages,
                  [&request](const scsi::ModePage& page) { return !is_asked_for(request, page); });
    // Linux st asks for page 00h at each open and means the header and the block descriptor.
    if (parameters.pages.empty() && request.page != page_block_descriptor_only) {
        const bool wrong_subpage = request.subpage != no_subpage;
        return wrong_subpage ? invalid_field_in_cdb(3) : invalid_field_in_cdb(2, 5);
    }
    if (request.page_control == changeable_values) {
        for (scsi::ModePage& page : parameters.pages)
            page.value = changeable_bits(page);
        parameters.block_descriptor =
            scsi::BlockDescriptor{.density_code = 0, .block_count = 0, .block_length = 0xffffff};
    }
    if (request.disable_block_descriptors) parameters.block_descriptor.reset();
    return std::nullopt;
}

// Where in the list the fault is: the header has 4 or 8 bytes.
CommandReply refusal(ModeFault fault, bool ten_byte) {
    const std::uint16_t header = ten_byte ? 8 : 4;
    switch (fault) {
        case ModeFault::density:
            return invalid_field_in_parameter_list(header);
        case ModeFault::block_length:
            return invalid_field_in_parameter_list(static_cast<std::uint16_t>(header + 5));
        case ModeFault::buffered_mode:
            return invalid_field_in_parameter_list(ten_byte ? 3 : 2, 6);
        case ModeFault::page:
            return invalid_field_in_parameter_list(header);
    }
    return invalid_field_in_parameter_list(0);
}

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
    // One block descriptor or none (SSC-3 8.3.1).
    const auto header = scsi::ByteView(list.view());
    const std::size_t descriptors =
        ten_byte ? scsi::ByteReader(header.subspan(6)).u16() : header[3];
    if (descriptors != 0 && descriptors != block_descriptor_length)
        return invalid_field_in_parameter_list(ten_byte ? 6 : 3);
    TapeState& drive = call.drive().tape;
    if (const auto fault = fault_of(drive, call.nexus_id, *parameters))
        return refusal(*fault, ten_byte);
    // On a parallel drive each host has parameters of its own.
    const bool changed = change_mode(drive, call.nexus_id, *parameters);
    if (changed && drive.parallel == nullptr)
        attend_others(call.unit, call.nexus_id, scsi::additional_sense::mode_parameters_changed);
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

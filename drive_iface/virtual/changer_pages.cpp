// Mode and log pages of a changer (SMC-3 7.2 and 7.3, SPC-4 7.5). None of the values can be
// changed.

#include <algorithm>

#include "drive_iface/scsi/log_page.hpp"
#include "drive_iface/scsi/mode.hpp"
#include "drive_iface/virtual/changer_handlers.hpp"
#include "drive_iface/virtual/changer_state.hpp"
#include "drive_iface/virtual/drive.hpp"
#include "drive_iface/virtual/logical_unit.hpp"
#include "drive_iface/virtual/replies.hpp"

namespace drive_iface::virtual_library {
namespace {

constexpr std::uint8_t all_pages = 0x3f;
constexpr std::uint8_t all_subpages = 0xff;
constexpr std::uint8_t changeable_values = 1;  // PC, SPC-4 6.11.1
constexpr std::uint8_t saved_values = 3;
constexpr std::uint8_t temperature_page = 0x0d;
constexpr std::uint8_t tape_alert_page = 0x2e;

void append_range(scsi::ByteWriter& out, const ChangerState& changer, ElementType type) {
    const Element* first = first_of(changer, type);
    out.u16(first == nullptr ? std::uint16_t{0} : first->address);
    out.u16(static_cast<std::uint16_t>(count_of(changer, type)));
}

// SMC-3 7.3.3.
Bytes element_address_assignment(const ChangerState& changer) {
    scsi::ByteWriter out;
    for (const ElementType type : {ElementType::transport, ElementType::storage,
                                   ElementType::import_export, ElementType::data_transfer})
        append_range(out, changer, type);
    out.u16(0);
    return out.take();
}

// SMC-3 7.3.2: what can hold a cartridge, and from where to where one can be moved or exchanged.
Bytes device_capabilities() {
    constexpr std::uint8_t storage = 0x02;
    constexpr std::uint8_t import_export = 0x04;
    constexpr std::uint8_t data_transfer = 0x08;
    constexpr std::uint8_t anywhere = storage | import_export | data_transfer;
    scsi::ByteWriter out;
    out.u8(anywhere).u8(0);
    out.u8(0).u8(anywhere).u8(anywhere).u8(anywhere);  // moves from MT, ST, IE, DT
    out.zeros(4);
    out.u8(0).u8(anywhere).u8(anywhere).u8(anywhere);  // exchanges
    out.zeros(4);
    return out.take();
}

std::vector<scsi::ModePage> pages(const ChangerState& changer) {
    const auto page = [](std::uint8_t code, Bytes value) {
        return scsi::ModePage{
            .page = code, .subpage = 0, .savable = false, .value = std::move(value)};
    };
    return {page(0x0a, {0, 0x10, 0, 0x40, 0, 0, 0xff, 0xff, 0, 0}),  // control, SPC-4 7.5.8: TAS
            page(0x1a, Bytes(10, 0)),                       // power condition: always active
            page(0x1c, {0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0}),  // informational exceptions: disabled
            page(0x1d, element_address_assignment(changer)),
            page(0x1e, Bytes(2, 0)),  // transport geometry: nothing is rotated
            page(0x1f, device_capabilities())};
}

std::optional<CommandReply> collect(const Call& call, scsi::ModeParameters& parameters) {
    const std::uint8_t page_control = call.cdb[2] >> 6;
    const std::uint8_t wanted = call.cdb[2] & 0x3f;
    const std::uint8_t subpage = call.cdb[3];
    if (page_control == saved_values) {
        return check_condition(scsi::SenseKey::illegal_request,
                               scsi::additional_sense::saving_parameters_not_supported);
    }
    if (subpage != 0 && !(subpage == all_subpages && wanted == all_pages))
        return invalid_field_in_cdb(3);
    for (scsi::ModePage& page : pages(call.changer())) {
        if (wanted != all_pages && wanted != page.page) continue;
        if (page_control == changeable_values)
            std::fill(page.value.begin(), page.value.end(), std::uint8_t{0});
        parameters.pages.push_back(std::move(page));
    }
    if (parameters.pages.empty()) return invalid_field_in_cdb(2, 5);
    return std::nullopt;
}

// A list may hold what MODE SENSE gave, and nothing else.
Answer mode_select(const Call& call, std::size_t list_length, bool ten_byte) {
    if ((call.cdb[1] & 0x01) != 0) return invalid_field_in_cdb(1, 0);  // SP
    if (list_length == 0) return good();
    const auto wrong_length = [] {
        return check_condition(scsi::SenseKey::illegal_request,
                               scsi::additional_sense::parameter_list_length_error);
    };
    if (call.data_out.size() < list_length || list_length < (ten_byte ? 8u : 4u))
        return wrong_length();
    // MODE DATA LENGTH is reserved here (SPC-4 7.5.4): put in what is true so that it decodes.
    scsi::ByteWriter list;
    list.bytes(std::span(call.data_out).first(list_length));
    if (ten_byte) list.set_u16(0, static_cast<std::uint16_t>(list_length - 2));
    if (!ten_byte) list.set_u8(0, static_cast<std::uint8_t>(list_length - 1));
    const auto parameters = ten_byte ? scsi::decode_mode_parameters_10(list.view())
                                     : scsi::decode_mode_parameters_6(list.view());
    if (!parameters) return wrong_length();
    const auto known = pages(call.changer());
    for (const scsi::ModePage& page : parameters->pages) {
        const bool unchanged =
            std::any_of(known.begin(), known.end(), [&page](const scsi::ModePage& ours) {
                return ours.page == page.page && ours.subpage == page.subpage &&
                       ours.value == page.value;
            });
        if (!unchanged) return invalid_field_in_parameter_list(ten_byte ? 8 : 4);
    }
    return good();
}

constexpr std::uint8_t list_parameter = 0x03;

// SMC-3 and SPC-4, TapeAlert: told to each nexus once.
Bytes tape_alerts(const Call& call, std::size_t allocation_length) {
    ChangerState& changer = call.changer();
    const bool offline =
        std::any_of(changer.drives->begin(), changer.drives->end(),
                    [](const Drive& drive) { return drive.unit().forced_offline; });
    changer.alerts.set(ChangerAlert::drive_offline, offline);
    const TapeAlerts::Set told =
        changer.alerts.tell(call.nexus_id, TapeAlerts::in_reply(0, allocation_length));
    scsi::LogPage page{.page = tape_alert_page};
    for (std::uint16_t flag = 1; flag <= TapeAlerts::flags; ++flag) {
        page.parameters.push_back({.code = flag,
                                   .control = list_parameter,
                                   .value = {static_cast<std::uint8_t>(told.test(flag) ? 1 : 0)}});
    }
    return scsi::encode_log_page(page);
}

// SPC-4 7.3.20: FFh, there is no temperature to know.
Bytes changer_temperature() {
    scsi::LogPage page{.page = temperature_page};
    constexpr std::uint16_t here = 0x0000;
    constexpr std::uint16_t reference = 0x0001;
    for (const std::uint16_t code : {here, reference})
        page.parameters.push_back({.code = code, .control = list_parameter, .value = {0, 0xff}});
    return scsi::encode_log_page(page);
}

}  // namespace

Answer handle_changer_mode_sense_6(const Call& call) {
    scsi::ModeParameters parameters;
    if (auto refused = collect(call, parameters)) return refused;
    return good(scsi::encode_mode_parameters_6(parameters), call.cdb[4]);
}

Answer handle_changer_mode_sense_10(const Call& call) {
    scsi::ModeParameters parameters;
    if (auto refused = collect(call, parameters)) return refused;
    return good(scsi::encode_mode_parameters_10(parameters), cdb_u16(call.cdb, 7));
}

Answer handle_changer_mode_select_6(const Call& call) {
    return mode_select(call, call.cdb[4], false);
}

Answer handle_changer_mode_select_10(const Call& call) {
    return mode_select(call, cdb_u16(call.cdb, 7), true);
}

Answer handle_changer_log_sense(const Call& call) {
    const std::uint8_t page = call.cdb[2] & 0x3f;
    const std::size_t allocation_length = cdb_u16(call.cdb, 7);
    if ((call.cdb[1] & 0x01) != 0) return invalid_field_in_cdb(1, 0);  // SP
    if (call.cdb[3] != 0) return invalid_field_in_cdb(3);
    if (page == scsi::log_page_code::supported_pages) {
        return good(scsi::encode_supported_log_pages(
                        {scsi::log_page_code::supported_pages, temperature_page, tape_alert_page}),
                    allocation_length);
    }
    if (page == temperature_page) return good(changer_temperature(), allocation_length);
    if (page != tape_alert_page) return invalid_field_in_cdb(2, 5);
    return good(tape_alerts(call, allocation_length), allocation_length);
}

// There is nothing in the logs that could be set or reset.
Answer handle_changer_log_select(const Call& call) {
    if ((call.cdb[1] & 0x01) != 0) return invalid_field_in_cdb(1, 0);  // SP
    if (cdb_u16(call.cdb, 7) != 0) return invalid_field_in_cdb(7);
    return good();
}

}  // namespace drive_iface::virtual_library

#include "drive_iface/virtual/changer_handlers.hpp"
#include "drive_iface/virtual/logical_unit.hpp"
#include "drive_iface/virtual/replies.hpp"
#include "drive_iface/virtual/transfers.hpp"

namespace drive_iface::virtual_library {
namespace {

constexpr std::uint8_t not_yet_checked = 0;

CommandReply invalid_element_address() {
    return check_condition(scsi::SenseKey::illegal_request,
                           scsi::additional_sense::invalid_element_address);
}

// 0 is the default transport element (SMC-3 6.4), and the only one there is.
bool names_the_transport(const Call& call) {
    return cdb_u16(call.cdb, 2) == transport_address;
}

// done: 0 before the checks, 1 after; stage: carry_out()'s.
Answer carry(const Call& call, std::span<const Transfer> transfers) {
    ChangerState& changer = call.changer();
    if (changer.operator_moves) return std::nullopt;
    if (call.unfinished.done == not_yet_checked) {
        if (auto refused = obstacle(changer, transfers, {call.nexus.port.name})) return refused;
        call.unfinished.done = 1;
    }
    return carry_out(changer, transfers, call.unfinished.stage, call.unit.identity.serial,
                     call.events);
}

}  // namespace

Answer handle_move_medium(const Call& call) {
    constexpr std::uint8_t invert = 0x01;
    if ((call.cdb[10] & invert) != 0) return invalid_field_in_cdb(10, 0);
    if (!names_the_transport(call)) return invalid_element_address();
    const Transfer move[] = {{.from = cdb_u16(call.cdb, 4), .to = cdb_u16(call.cdb, 6)}};
    return carry(call, move);
}

// SMC-3 6.3: what is in the source goes to the first destination, and what was there to the second.
Answer handle_exchange_medium(const Call& call) {
    constexpr std::uint8_t invert = 0x03;
    if ((call.cdb[10] & invert) != 0) return invalid_field_in_cdb(10, 1);
    if (!names_the_transport(call)) return invalid_element_address();
    const std::uint16_t first = cdb_u16(call.cdb, 6);
    const Transfer moves[] = {{.from = cdb_u16(call.cdb, 4), .to = first},
                              {.from = first, .to = cdb_u16(call.cdb, 8)}};
    if (moves[0].from == first || moves[1].to == first) return invalid_element_address();
    return carry(call, moves);
}

Answer handle_position_to_element(const Call& call) {
    constexpr std::uint8_t invert = 0x01;
    if ((call.cdb[8] & invert) != 0) return invalid_field_in_cdb(8, 0);
    const Element* element = element_at(call.changer(), cdb_u16(call.cdb, 4));
    if (!names_the_transport(call) || element == nullptr) return invalid_element_address();
    return good();
}

// SMC-3 6.7: a door that an operator opens with the control socket; there is nothing to wait for.
Answer handle_open_close_import_export(const Call& call) {
    constexpr std::uint8_t open = 0;
    constexpr std::uint8_t close = 1;
    const std::uint8_t action = call.cdb[4] & 0x1f;
    const Element* element = element_at(call.changer(), cdb_u16(call.cdb, 2));
    if (action > close) return invalid_field_in_cdb(4, 4);
    if (element == nullptr || element->type != ElementType::import_export)
        return invalid_element_address();
    if (action == open && removal_prevented(call.unit)) {
        return check_condition(scsi::SenseKey::illegal_request,
                               scsi::additional_sense::medium_removal_prevented);
    }
    return good();
}

}  // namespace drive_iface::virtual_library

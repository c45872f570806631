#pragma once

// Cartridges on their way from element to element: what MOVE MEDIUM, EXCHANGE MEDIUM and an
// operator's move have in common.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "drive_iface/virtual/changer_state.hpp"
#include "drive_iface/virtual/logical_unit.hpp"

namespace drive_iface::virtual_library {

struct Transfer {
    std::uint16_t from = 0;
    std::uint16_t to = 0;
};

// Who moves. A drive that another host has reserved is not touched (drive and changer are different
// targets, so names are compared and not nexuses).
struct Mover {
    std::string initiator_name;  // empty: an operator
};

// What stands against it; nothing: it can begin. Elements are looked at in the order of the
// transfers, and one that an earlier transfer empties counts as empty.
[[nodiscard]] std::optional<CommandReply> obstacle(ChangerState& changer,
                                                   std::span<const Transfer> transfers,
                                                   const Mover& mover);

// Goes on with transfers that can begin. Nothing: a drive unloads or loads; call again with the
// same `stage`, which is 0 at first. What could not be loaded at all stays where it came from.
[[nodiscard]] Answer carry_out(ChangerState& changer, std::span<const Transfer> transfers,
                               std::uint32_t& stage, const std::string& changer_serial,
                               std::vector<LibraryEvent>& events);

}  // namespace drive_iface::virtual_library

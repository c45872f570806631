#pragma once

// Element status as READ ELEMENT STATUS and REQUEST VOLUME ELEMENT ADDRESS report it (SMC-3 6.11
// and 6.12).

#include <cstdint>
#include <span>
#include <vector>

#include "drive_iface/virtual/changer_state.hpp"

namespace drive_iface::virtual_library {

struct ElementStatusForm {
    bool volume_tags = false;
    bool device_identifiers = false;
};

// `elements` in ascending order of address; grouped by type here. `action` goes into the header of
// REQUEST VOLUME ELEMENT ADDRESS, 0 else.
[[nodiscard]] Bytes encode_element_status(const ChangerState& changer,
                                          std::span<const Element* const> elements,
                                          const ElementStatusForm& form, std::uint8_t action);

// The elements a command asks for, by type (0: all), lowest address and number.
[[nodiscard]] std::vector<const Element*> elements_from(const ChangerState& changer,
                                                        std::uint8_t type, std::uint16_t first,
                                                        std::size_t number);

}  // namespace drive_iface::virtual_library

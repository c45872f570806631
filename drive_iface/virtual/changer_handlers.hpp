#pragma once

// The commands of a changer (SMC-3). Each is called after the checks that come first for all
// commands.

#include "drive_iface/virtual/command_table.hpp"

namespace drive_iface::virtual_library {

// changer_moves.cpp
Answer handle_move_medium(const Call& call);
Answer handle_exchange_medium(const Call& call);
Answer handle_position_to_element(const Call& call);
Answer handle_open_close_import_export(const Call& call);

// changer_elements.cpp
Answer handle_initialize_element_status(const Call& call);
Answer handle_initialize_element_status_with_range(const Call& call);
Answer handle_read_element_status(const Call& call);
Answer handle_send_volume_tag(const Call& call);
Answer handle_request_volume_element_address(const Call& call);

// changer_pages.cpp
Answer handle_changer_mode_sense_6(const Call& call);
Answer handle_changer_mode_sense_10(const Call& call);
Answer handle_changer_mode_select_6(const Call& call);
Answer handle_changer_mode_select_10(const Call& call);
Answer handle_changer_log_sense(const Call& call);
Answer handle_changer_log_select(const Call& call);

}  // namespace drive_iface::virtual_library

#pragma once

#include <string>
#include <vector>

#include "drive_iface/admin_volumes/data_set.hpp"

namespace drive_iface::vtld {

// What the library reservation agent knows of holders, agents and handshakes, asked over its
// control socket; or one record that says why nothing is known. Blocks, two seconds at most: not on
// the event loop. Empty `socket`: lrad is not asked.
void append_lrad_records(std::vector<admin_volumes::Record>& records, const std::string& socket);

}  // namespace drive_iface::vtld

#pragma once

// The digest of RFC 7143 13.1; on the wire its bytes go least significant first.

#include "drive_iface/checksum/crc32c.hpp"

namespace drive_iface::iscsi {

using checksum::crc32c;

}  // namespace drive_iface::iscsi

#pragma once

// A virtual drive in the same process: the device model without a network.

#include <memory>
#include <string>

#include "agent/core/reservation.hpp"
#include "drive_iface/device/transport.hpp"

namespace drive_iface::virtual_library {
class Library;
}

namespace drive_iface {

// Borrows `library`, which must outlive it and is used by one thread at a time. `port` logs in with
// the first execute(), and out when the transport is destroyed.
[[nodiscard]] std::unique_ptr<Transport> make_virtual_transport(virtual_library::Library& library,
                                                                std::string drive_serial,
                                                                agent::core::InitiatorPort port);

}  // namespace drive_iface

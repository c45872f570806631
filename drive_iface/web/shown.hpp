#pragma once

// What the page shows. Borrowed from the running library, and touched on the event loop only.

#include <cstdint>
#include <functional>
#include <string>

#include "drive_iface/sessions/tracking.hpp"
#include "drive_iface/snapshots/snapshots.hpp"
#include "drive_iface/virtual/cartridge.hpp"
#include "drive_iface/virtual/library.hpp"

namespace drive_iface::web {

struct Shown {
    std::string vendor, product, serial;  // of the library
    const virtual_library::Library* library = nullptr;
    const virtual_library::CartridgeShelf* shelf = nullptr;
    sessions::Tracking* tracking = nullptr;     // null: no drive is parallel
    snapshots::Snapshots* snapshots = nullptr;  // null: nobody takes any
    std::function<std::int64_t()> now_ms;       // since 1970 UTC
};

}  // namespace drive_iface::web

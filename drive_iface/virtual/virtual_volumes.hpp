#pragma once

// Cartridges that nobody made: the library builds what is on them when one is moved to a drive.
// They lie in slots of their own, where no other cartridge can be put, and are write protected.
// Several drives can have the same one at the same time, each with data of its own moment.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "drive_iface/virtual/cartridge.hpp"

namespace drive_iface::virtual_library {

class VirtualVolumes {
  public:
    virtual ~VirtualVolumes() = default;

    // Their barcodes, in the order of their slots; empty: nothing is in that slot now. Always as
    // many; others when the library takes inventory, but none that is in a drive goes away. None is
    // one of a cartridge on the shelf.
    [[nodiscard]] virtual std::vector<std::string> names() const = 0;

    // One of names(), with the data of this moment. Nothing: it is being built; ask again at
    // on_progress(). The error, in an operator's words: it could not be built, and the drive that
    // asked stays without it.
    [[nodiscard]] virtual std::optional<agent::core::Result<std::unique_ptr<Cartridge>>> build(
        const std::string& name) = 0;

    virtual void on_progress(std::function<void()> progress) = 0;
};

}  // namespace drive_iface::virtual_library

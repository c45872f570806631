#pragma once

// Opens the data of a snapshot's sessions, which takes a while.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drive_iface/sessions/tracking.hpp"
#include "drive_iface/snapshots/catalogue.hpp"
#include "drive_iface/snapshots/stretch.hpp"

namespace drive_iface::snapshots {

// The rows whose data that is, in the order it is read. Errors: none, or too many.
[[nodiscard]] agent::core::Result<std::vector<sessions::Session>> rows_for(
    const Mount& what, const std::vector<sessions::Session>& rows);

class SessionOpenings {
  public:
    using Opened = agent::core::Result<std::unique_ptr<virtual_library::Cartridge>>;

    // `tracking` outlives it.
    explicit SessionOpenings(sessions::Tracking& tracking) : tracking_(&tracking) {}

    // `rows`: of the snapshot. Nothing: ask again. See Snapshots::open().
    [[nodiscard]] std::optional<Opened> open(const Mount& what, const std::string& barcode,
                                             const std::vector<sessions::Session>& rows);
    // Those nobody asked for since the last call are given up.
    void give_up_forgotten();

  private:
    struct Opening {
        std::vector<sessions::Session> rows;  // those with data, in the order they are read
        std::vector<Stretch> stretches;
        bool forgotten = false;
    };
    using Key = std::pair<std::uint32_t, std::uint32_t>;  // session 0: all

    sessions::Tracking* tracking_;
    std::map<Key, Opening> begun_;
};

}  // namespace drive_iface::snapshots

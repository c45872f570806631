#pragma once

// What the running library knows, as records of administrative volumes. Each field is chosen here:
// secrets are not.

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "drive_iface/admin_volumes/data_set.hpp"
#include "drive_iface/cartridge/file_shelf.hpp"
#include "drive_iface/sessions/tracking.hpp"
#include "drive_iface/snapshots/snapshots.hpp"
#include "drive_iface/virtual/library.hpp"
#include "drive_iface/vtld/administration.hpp"
#include "drive_iface/vtld/configuration.hpp"

namespace drive_iface::vtld {

using Records = std::vector<admin_volumes::Record>;

[[nodiscard]] Records configuration_records(const VtldConfiguration& configuration);
[[nodiscard]] Records drive_records(const virtual_library::Library& library);
[[nodiscard]] Records volume_records(const cartridge::FileShelf& shelf,
                                     const virtual_library::Library& library);
[[nodiscard]] Records session_records(const sessions::Tracking& tracking);
[[nodiscard]] Records reservation_records(const virtual_library::Library& library);

// What happened, for ADMLOG: the newest ones, until somebody takes them.
class EventRecords {
  public:
    static constexpr std::size_t events_max = 10'000;

    void add(const virtual_library::LibraryEvent& event, const std::string& at);
    // Those since it was asked last; a record before them says how many were dropped.
    [[nodiscard]] Records take();

  private:
    std::deque<admin_volumes::Record> events_;
    std::uint64_t last_number_ = 0;
    std::uint64_t dropped_ = 0;
};

// Everything above, as sources of the volumes. What is borrowed outlives `administration`.
struct LibraryKnowledge {
    const VtldConfiguration* configuration = nullptr;
    const cartridge::FileShelf* shelf = nullptr;
    const sessions::Tracking* tracking = nullptr;  // none: no drive is parallel
    const snapshots::Snapshots* snapshots = nullptr;
    const virtual_library::Library* library = nullptr;
    EventRecords* events = nullptr;
};
void tell_everything(Administration& administration, const LibraryKnowledge& known);

}  // namespace drive_iface::vtld

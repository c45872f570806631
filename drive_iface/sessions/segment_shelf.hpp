#pragma once

// Where the data of sessions is kept: files in two storage folders, or memory in tests.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drive_iface/sessions/tracking.hpp"
#include "drive_iface/virtual/cartridge.hpp"

namespace drive_iface::sessions {

// A segment is a cartridge that only its session writes. All on the event loop's thread.
class SegmentShelf {
  public:
    virtual ~SegmentShelf() = default;

    // It may be made in the background: whether it could be is told by open().
    [[nodiscard]] virtual agent::core::Outcome create(std::uint32_t identifier,
                                                      std::uint64_t capacity) = 0;
    // Nothing: being opened, ask again at on_progress().
    [[nodiscard]] virtual std::optional<
        agent::core::Result<std::unique_ptr<virtual_library::Cartridge>>>
    open(std::uint32_t identifier) = 0;
    [[nodiscard]] virtual agent::core::Outcome remove(std::uint32_t identifier) = 0;
    // The same of one that never was open: done also when nothing of it is there, or only parts.
    [[nodiscard]] virtual agent::core::Outcome remove_unmade(std::uint32_t identifier) = 0;

    struct Contents {
        std::uint64_t objects = 0;
        std::uint64_t filemarks = 0;
        std::uint64_t bytes = 0;
        bool there = false;
    };
    // Of one that is not open; nothing when it is not there, or its folders are away.
    [[nodiscard]] virtual Contents contents(std::uint32_t identifier) const = 0;

    // The data files, one for each device.
    [[nodiscard]] virtual std::vector<std::string> files(std::uint32_t identifier) const = 0;
    // What the index on storage says; fewer than asked for when there are no more.
    [[nodiscard]] virtual agent::core::Result<std::vector<SessionRecord>> records(
        std::uint32_t identifier, std::uint64_t first, std::uint64_t count) const = 0;

    virtual void on_progress(std::function<void()> progress) = 0;
};

}  // namespace drive_iface::sessions

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "drive_iface/cartridge/metadata.hpp"
#include "drive_iface/sessions/segment_shelf.hpp"

namespace drive_iface::sessions {

struct FileSegmentsOptions {
    std::vector<std::string> folders;  // two or more; made when missing
    // Where a new segment goes: into two folders, or into one, the folder that holds the fewest.
    cartridge::Placement placement = cartridge::Placement::mirror;
    std::function<void(std::function<void()>)> run_on_loop;
    std::function<void(const std::string&)> log;
    std::uint64_t buffer_bytes = 16ULL << 20;  // of one session
};

// Segments as cartridge files (docs/CARTRIDGES.md) named after their sessions. Errors: the folders
// can not be used.
[[nodiscard]] agent::core::Result<std::unique_ptr<SegmentShelf>> file_segments(
    FileSegmentsOptions options);

}  // namespace drive_iface::sessions

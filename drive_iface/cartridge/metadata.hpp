#pragma once

// What is kept about a cartridge beside its data: BARCODE.json. Written anew and renamed over the
// old one at each change, so that there is always a whole one.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "drive_iface/virtual/cartridge.hpp"

namespace drive_iface::cartridge {

// Identifies the recording, not the label: an index belongs to the data with the same one.
using VolumeId = std::array<std::uint8_t, 16>;

enum class Placement : std::uint8_t {
    mirror,  // in two folders, stored when both have it
    single,  // in one folder
};

struct CartridgeLoad {
    std::int64_t loaded_at = 0;                 // seconds since 1970 UTC
    std::optional<std::int64_t> unloaded_at{};  // nothing: still loaded, or the process was killed
    bool operator==(const CartridgeLoad&) const = default;
};

// Newest last; older ones are dropped.
constexpr std::size_t loads_kept = 32;

struct Metadata {
    virtual_library::CartridgeFacts facts;
    VolumeId volume{};
    Placement placement = Placement::single;
    std::uint64_t revision = 1;  // raised with each change: the higher one of a mirror is right
    std::int64_t created_at = 0;
    std::uint64_t load_count = 0;
    std::vector<CartridgeLoad> loads;
    virtual_library::MediumAttributes attributes;
};

[[nodiscard]] std::string to_text(const Metadata& metadata);
// `text` may be anything. Errors: not JSON, a field missing or out of its range.
[[nodiscard]] agent::core::Result<Metadata> metadata_from_text(const std::string& text);

// 1 to 32 characters out of A-Z 0-9 _ -, as a barcode reader can read and a file can be named. The
// error tells what is wrong with it.
[[nodiscard]] agent::core::Outcome check_barcode(const std::string& barcode);

[[nodiscard]] std::string to_text(const VolumeId& volume);  // 8-4-4-4-12 hex digits
[[nodiscard]] std::string to_text(Placement placement);

}  // namespace drive_iface::cartridge

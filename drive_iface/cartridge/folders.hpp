#pragma once

// The storage folders, as the shelf sees them.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "drive_iface/cartridge/recording.hpp"

namespace drive_iface::cartridge {

// Makes the folders. Errors in words for the configuration file's reader: fewer than two, the same
// one twice, one that can not be made or written. Returns them without links and dots.
[[nodiscard]] agent::core::Result<std::vector<std::string>> prepare_folders(
    const std::vector<std::string>& folders);

// Those of them that are on a file system that can only be read.
[[nodiscard]] std::vector<std::string> unwritable(const std::vector<std::string>& folders);

// Mirror when they are on different devices.
[[nodiscard]] Placement placement_for(const std::vector<std::string>& folders);

// What one cartridge is according to its files, none of which is changed.
struct ShelvedCartridge {
    FoundCartridge found;
    RecordedEnd end;  // as of the newest commit
    std::uint64_t file_bytes = 0;
};
struct FolderContent {
    std::map<std::string, ShelvedCartridge> cartridges;  // by barcode
    std::vector<std::string> troubles;                   // files that are no usable cartridge
};
[[nodiscard]] FolderContent look_into(const std::vector<std::string>& folders);
[[nodiscard]] agent::core::Result<ShelvedCartridge> look_at(const std::vector<std::string>& folders,
                                                            const std::string& barcode);

// Deletes all files of a cartridge that nobody has open.
[[nodiscard]] agent::core::Outcome delete_cartridge(const std::vector<std::string>& folders,
                                                    const std::string& barcode);
// Replaces the description of a cartridge that nobody has open, in all copies.
[[nodiscard]] agent::core::Outcome replace_metadata(const FoundCartridge& found, Metadata metadata);

[[nodiscard]] VolumeId new_volume_id();
[[nodiscard]] std::int64_t seconds_now();  // since 1970 UTC

}  // namespace drive_iface::cartridge

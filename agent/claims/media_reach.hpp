#pragma once

// Which drive can do what with which medium, as data: a site's table, or that of LTO.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/claims/claim.hpp"

namespace agent::claims {

// What drives of one generation can do.
struct DriveReach {
    std::string drive;               // "LTO-8"
    std::vector<std::string> write;  // generations of media it writes, and reads
    std::vector<std::string> read;   // generations it reads only
    bool operator==(const DriveReach&) const = default;
};

// What the end of a barcode says.
struct MediumSuffix {
    std::string suffix;      // "L8"
    std::string generation;  // "LTO-8"
    MediumKind kind = MediumKind::data;
    bool operator==(const MediumSuffix&) const = default;
};

struct MediaTable {
    std::vector<DriveReach> reach;
    std::vector<MediumSuffix> suffixes;
    std::vector<std::string> cleaning_prefixes;  // "CLN"
    bool operator==(const MediaTable&) const = default;
};

// LTO-1 to LTO-10 with the media identifiers of their barcode labels (L1 to L9, LA, M8; LT to LZ
// for WORM; CU for the universal cleaning cartridge): each writes its own generation and the one
// before it and reads one further back; 8 and 9 reach one back only; 10 itself alone. From common
// knowledge, not from a standard: a site's own table replaces it.
[[nodiscard]] MediaTable lto_media();

struct Medium {
    std::string generation;  // empty: the barcode tells none
    MediumKind kind = MediumKind::data;
};
[[nodiscard]] Medium medium_of(const MediaTable& media, std::string_view barcode);

// The generation a drive's product identification names ("ULT3580-TD8", "Ultrium 8-SCSI"); nothing
// when it names none.
[[nodiscard]] std::optional<std::string> generation_of_product(std::string_view product);

enum class Reach : std::uint8_t { none, read, write };
// A medium of unknown generation is within everybody's reach: the drive itself will judge.
[[nodiscard]] Reach reach_of(const MediaTable& media, std::string_view drive_generation,
                             std::string_view medium_generation);
[[nodiscard]] bool suffices(Reach reach, Access access);

}  // namespace agent::claims

#pragma once

// The attributes in a cartridge's auxiliary memory (SPC-4 7.4): those that the drive makes up or
// keeps, and those that are the hosts' own.

#include <optional>
#include <vector>

#include "drive_iface/scsi/bytes.hpp"
#include "drive_iface/virtual/tape_state.hpp"

namespace drive_iface::virtual_library {

struct AttributeEntry {
    std::uint16_t identifier = 0;
    bool read_only = false;
    MediumAttribute attribute;
    bool operator==(const AttributeEntry&) const = default;
};

// What a host attribute looks like; null for others.
struct HostAttribute {
    std::uint16_t identifier;
    std::uint8_t format;
    std::uint16_t length;  // exact, but for texts and `at_most`
    bool at_most;
};
[[nodiscard]] const HostAttribute* find_host_attribute(std::uint16_t identifier);

// All of a threaded cartridge, ascending.
[[nodiscard]] std::vector<AttributeEntry> attributes_of(const TapeState& drive,
                                                        const Cartridge& cartridge);
// Identifiers of all attributes that can be there, ascending.
[[nodiscard]] std::vector<std::uint16_t> supported_attributes();

// What the drive counted over the life of the cartridge, this load not included.
struct Lifetime {
    std::uint64_t loads = 0;  // this one included
    std::uint64_t megabytes_written = 0;
    std::uint64_t megabytes_read = 0;
};
[[nodiscard]] Lifetime lifetime_of(const Cartridge& cartridge);

// The list behind the 4-byte header of READ ATTRIBUTE and WRITE ATTRIBUTE. Decoding fails with the
// offset of the first byte that is wrong.
[[nodiscard]] Bytes encode_attributes(const std::vector<AttributeEntry>& entries);
struct DecodedAttributes {
    std::vector<AttributeEntry> entries;
    std::optional<std::uint16_t> wrong_at;  // in the list, header included
};
[[nodiscard]] DecodedAttributes decode_attributes(scsi::ByteView list);

// What the drive itself writes into the memory: a load, and that something was written. The
// identity is that of the drive.
void note_load(MediumAttributes& attributes, std::string_view vendor, std::string_view serial);
void note_written(MediumAttributes& attributes, const TapeCounters& since_load);

}  // namespace drive_iface::virtual_library

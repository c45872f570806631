#pragma once

// The index beside a data file, .tix: where every object stands, so that no command has to walk the
// data. Little-endian. Three pages of 4096 bytes, then one entry for each object:
//
//   page 0  magic, format version, volume UUID, checksum: written once
//   page 1  commit  } the one with the higher sequence counts; written in turn, so that one of
//   page 2  commit  } them is always whole
//   entry n at 12288 + 48 n
//
// A commit says up to where the recording was synchronised. Entries behind that are hints: they
// count when they are of the commit's generation and the data they describe is there.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "drive_iface/cartridge/metadata.hpp"
#include "drive_iface/cartridge/tap_format.hpp"

namespace drive_iface::cartridge {

constexpr std::size_t index_page = 4096;
constexpr std::size_t index_entry_size = 48;
constexpr std::uint64_t index_entries_at = 3 * index_page;

[[nodiscard]] constexpr std::uint64_t index_offset(std::uint64_t number) {
    return index_entries_at + number * index_entry_size;
}

// How far a recording goes.
struct RecordedEnd {
    std::uint64_t objects = 0;
    std::uint64_t offset = 0;  // in the data file: where the next object or the end marker stands
    std::uint64_t filemarks = 0;
    std::uint64_t bytes = 0;  // of block data
    bool operator==(const RecordedEnd&) const = default;

    void add(const virtual_library::LogicalObject& object) {
        ++objects;
        offset += tap_size(object);
        filemarks += object.kind == virtual_library::LogicalObject::Kind::filemark ? 1 : 0;
        bytes += object.length;
    }
};

// Epochs a commit tells of, its own among them. A copy that goes on alone begins a new one each
// time it is loaded; what is older than these is forgotten.
constexpr std::size_t epochs_max = 400;

struct IndexCommit {
    std::uint64_t sequence = 0;    // counts commits
    std::uint32_t generation = 0;  // counts cuts: raised whenever recorded objects are given up
    bool closed = false;           // unloaded in order: nothing was written since
    std::uint64_t since = 0;  // entries from here on were written after the commit before this one
    RecordedEnd end;
    // Times in which all of a mirror's copies were written together, or one of them alone: random
    // numbers, the newest first. None: nothing was ever written alone.
    std::vector<std::uint64_t> epochs{};
    bool operator==(const IndexCommit&) const = default;

    [[nodiscard]] std::uint64_t epoch() const { return epochs.empty() ? 0 : epochs.front(); }
    // Everything that was written up to `other` was known when this was written.
    [[nodiscard]] bool goes_on_from(const IndexCommit& other) const;
};

struct IndexEntry {
    virtual_library::LogicalObject object;
    RecordedEnd before;        // where it stands: `before.objects` is its number
    std::uint32_t crc32c = 0;  // of the block's data
    std::uint32_t generation = 0;

    [[nodiscard]] RecordedEnd after() const {
        auto end = before;
        end.add(object);
        return end;
    }
};

using IndexPage = std::array<std::uint8_t, index_page>;

[[nodiscard]] IndexPage encode_index_header(const VolumeId& volume);
// The volume the index belongs to; nothing when this is no header this program understands.
[[nodiscard]] std::optional<VolumeId> decode_index_header(ByteView page);

[[nodiscard]] IndexPage encode_index_commit(const IndexCommit& commit, const VolumeId& volume);
[[nodiscard]] std::optional<IndexCommit> decode_index_commit(ByteView page, const VolumeId& volume);

// `into` is index_entry_size bytes.
void encode_index_entry(const IndexEntry& entry, const VolumeId& volume,
                        std::span<std::uint8_t> into);
// Nothing when the checksum, which covers volume and number too, is wrong.
[[nodiscard]] std::optional<IndexEntry> decode_index_entry(ByteView bytes, std::uint64_t number,
                                                           const VolumeId& volume);

}  // namespace drive_iface::cartridge

#include "drive_iface/cartridge/index_format.hpp"

#include <algorithm>

#include "drive_iface/cartridge/little_endian.hpp"
#include "drive_iface/checksum/crc32c.hpp"

namespace drive_iface::cartridge {

namespace {

using virtual_library::LogicalObject;

constexpr std::array<std::uint8_t, 8> header_magic{'L', 'R', 'A', '-', 'T', 'I', 'X', '\n'};
constexpr std::array<std::uint8_t, 8> commit_magic{'L', 'R', 'A', '-', 'E', 'N', 'D', '\n'};
constexpr std::uint32_t version = 1;

constexpr std::size_t header_size = 32;  // of page 0 that is used, checksum included
constexpr std::size_t commit_size = 72;
constexpr std::size_t check_size = 4;
// Behind the commit: how many epochs, then they, then a checksum of all that.
constexpr std::size_t epoch_count_at = commit_size;
constexpr std::size_t epochs_at = 80;
static_assert(epochs_at + epochs_max * sizeof(std::uint64_t) + check_size <= index_page);

constexpr std::size_t epochs_end(std::size_t count) {
    return epochs_at + count * sizeof(std::uint64_t);
}

constexpr std::uint32_t kind_filemark = 1;

template <std::size_t size>
void put(std::span<std::uint8_t> page, std::size_t at, const std::array<std::uint8_t, size>& what) {
    std::copy(what.begin(), what.end(), page.begin() + static_cast<std::ptrdiff_t>(at));
}

bool begins_with(ByteView page, const std::array<std::uint8_t, 8>& magic) {
    return std::equal(magic.begin(), magic.end(), page.begin());
}

// The checksum is over the volume too, so that a page of another cartridge is none.
std::uint32_t check_of(ByteView bytes, const VolumeId& volume) {
    return checksum::crc32c(bytes, checksum::crc32c(volume));
}

std::uint32_t entry_check(ByteView entry, std::uint64_t number, const VolumeId& volume) {
    std::array<std::uint8_t, sizeof(number)> place{};
    set_little_endian(std::span<std::uint8_t>(place), 0, number);
    return checksum::crc32c(entry.first(index_entry_size - check_size), check_of(place, volume));
}

}  // namespace

IndexPage encode_index_header(const VolumeId& volume) {
    IndexPage page{};
    const std::span<std::uint8_t> bytes(page);
    put(bytes, 0, header_magic);
    set_little_endian(bytes, 8, version);
    put(bytes, 12, volume);
    set_little_endian(bytes, header_size - check_size,
                      checksum::crc32c(bytes.first(header_size - check_size)));
    return page;
}

std::optional<VolumeId> decode_index_header(ByteView page) {
    if (page.size() < header_size || !begins_with(page, header_magic)) return std::nullopt;
    const auto check = little_endian_at<std::uint32_t>(page, header_size - check_size);
    if (check != checksum::crc32c(page.first(header_size - check_size))) return std::nullopt;
    if (little_endian_at<std::uint32_t>(page, 8) != version) return std::nullopt;
    VolumeId volume{};
    std::copy_n(page.begin() + 12, volume.size(), volume.begin());
    return volume;
}

IndexPage encode_index_commit(const IndexCommit& commit, const VolumeId& volume) {
    IndexPage page{};
    const std::span<std::uint8_t> bytes(page);
    put(bytes, 0, commit_magic);
    set_little_endian(bytes, 8, commit.sequence);
    set_little_endian(bytes, 16, commit.generation);
    set_little_endian(bytes, 20, std::uint32_t{commit.closed});
    set_little_endian(bytes, 24, commit.since);
    set_little_endian(bytes, 32, commit.end.objects);
    set_little_endian(bytes, 40, commit.end.offset);
    set_little_endian(bytes, 48, commit.end.filemarks);
    set_little_endian(bytes, 56, commit.end.bytes);
    set_little_endian(bytes, commit_size - check_size,
                      check_of(bytes.first(commit_size - check_size), volume));
    const auto count = std::min(commit.epochs.size(), epochs_max);
    if (count == 0) return page;
    set_little_endian(bytes, epoch_count_at, static_cast<std::uint32_t>(count));
    for (std::size_t i = 0; i < count; ++i) {
        set_little_endian(bytes, epochs_end(i), commit.epochs[i]);
    }
    set_little_endian(bytes, epochs_end(count), check_of(bytes.first(epochs_end(count)), volume));
    return page;
}

bool IndexCommit::goes_on_from(const IndexCommit& other) const {
    // What was written before there were epochs has none.
    return epoch() == other.epoch() || other.epoch() == 0 ||
           std::find(epochs.begin(), epochs.end(), other.epoch()) != epochs.end();
}

std::optional<IndexCommit> decode_index_commit(ByteView page, const VolumeId& volume) {
    if (page.size() < epochs_at || !begins_with(page, commit_magic)) return std::nullopt;
    const auto check = little_endian_at<std::uint32_t>(page, commit_size - check_size);
    if (check != check_of(page.first(commit_size - check_size), volume)) return std::nullopt;
    IndexCommit commit;
    commit.sequence = little_endian_at<std::uint64_t>(page, 8);
    commit.generation = little_endian_at<std::uint32_t>(page, 16);
    commit.closed = little_endian_at<std::uint32_t>(page, 20) != 0;
    commit.since = little_endian_at<std::uint64_t>(page, 24);
    commit.end.objects = little_endian_at<std::uint64_t>(page, 32);
    commit.end.offset = little_endian_at<std::uint64_t>(page, 40);
    commit.end.filemarks = little_endian_at<std::uint64_t>(page, 48);
    commit.end.bytes = little_endian_at<std::uint64_t>(page, 56);
    const auto count = little_endian_at<std::uint32_t>(page, epoch_count_at);
    if (count == 0) return commit;
    if (count > epochs_max || page.size() < epochs_end(count) + check_size) return std::nullopt;
    const auto epochs_check = little_endian_at<std::uint32_t>(page, epochs_end(count));
    if (epochs_check != check_of(page.first(epochs_end(count)), volume)) return std::nullopt;
    for (std::size_t i = 0; i < count; ++i) {
        commit.epochs.push_back(little_endian_at<std::uint64_t>(page, epochs_end(i)));
    }
    return commit;
}

void encode_index_entry(const IndexEntry& entry, const VolumeId& volume,
                        std::span<std::uint8_t> into) {
    const bool filemark = entry.object.kind == LogicalObject::Kind::filemark;
    set_little_endian(into, 0, entry.before.offset);
    set_little_endian(into, 8, entry.before.filemarks);
    set_little_endian(into, 16, entry.before.bytes);
    set_little_endian(into, 24, entry.object.length);
    set_little_endian(into, 28, filemark ? kind_filemark : 0U);
    set_little_endian(into, 32, entry.crc32c);
    set_little_endian(into, 36, entry.generation);
    set_little_endian(into, 40, std::uint32_t{0});
    set_little_endian(into, 44, entry_check(into, entry.before.objects, volume));
}

std::optional<IndexEntry> decode_index_entry(ByteView bytes, std::uint64_t number,
                                             const VolumeId& volume) {
    if (bytes.size() < index_entry_size) return std::nullopt;
    if (little_endian_at<std::uint32_t>(bytes, 44) != entry_check(bytes, number, volume)) {
        return std::nullopt;
    }
    IndexEntry entry;
    entry.before.objects = number;
    entry.before.offset = little_endian_at<std::uint64_t>(bytes, 0);
    entry.before.filemarks = little_endian_at<std::uint64_t>(bytes, 8);
    entry.before.bytes = little_endian_at<std::uint64_t>(bytes, 16);
    entry.object.length = little_endian_at<std::uint32_t>(bytes, 24);
    entry.crc32c = little_endian_at<std::uint32_t>(bytes, 32);
    entry.generation = little_endian_at<std::uint32_t>(bytes, 36);
    const bool filemark = little_endian_at<std::uint32_t>(bytes, 28) == kind_filemark;
    entry.object.kind = filemark ? LogicalObject::Kind::filemark : LogicalObject::Kind::block;
    const bool possible = filemark ? entry.object.length == 0
                                   : entry.object.length > 0 &&
                                         entry.object.length <= virtual_library::block_length_max;
    if (!possible) return std::nullopt;
    return entry;
}

}  // namespace drive_iface::cartridge

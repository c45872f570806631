#include "drive_iface/cartridge/stored_copy.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "drive_iface/cartridge/little_endian.hpp"
#include "drive_iface/checksum/crc32c.hpp"

namespace drive_iface::cartridge {

namespace {

using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using agent::core::Result;
using virtual_library::LogicalObject;

std::uint64_t commit_offset(const IndexCommit& commit) {
    return (1 + commit.sequence % 2) * index_page;
}

std::optional<IndexCommit> newest_commit_in(const StorageFile& index, const VolumeId& volume) {
    virtual_library::Bytes pages(index_entries_at);
    if (!index.read(0, pages).ok()) return std::nullopt;
    const ByteView view(pages);
    if (decode_index_header(view.first(index_page)) != volume) return std::nullopt;
    const auto one = decode_index_commit(view.subspan(index_page, index_page), volume);
    const auto two = decode_index_commit(view.subspan(2 * index_page, index_page), volume);
    if (one && two) return one->sequence > two->sequence ? one : two;
    return one ? one : two;
}

}  // namespace

CopyPaths copy_paths(const std::string& folder, const std::string& barcode) {
    const auto stem = folder + "/" + barcode;
    return {folder, stem + ".tap", stem + ".tix", stem + ".json", stem + ".lock"};
}

StoredCopy::StoredCopy(CopyPaths paths, VolumeId volume, StorageFile data, StorageFile index)
    : paths_(std::move(paths)),
      volume_(volume),
      data_(std::move(data)),
      index_(std::move(index)),
      writable_(data_.writable() && index_.writable()) {}

Result<std::unique_ptr<StoredCopy>> StoredCopy::create(const CopyPaths& paths,
                                                       const VolumeId& volume, bool closed) {
    auto data = StorageFile::open(paths.data, StorageFile::Mode::brand_new);
    if (!data.ok()) return data.error();
    auto index = StorageFile::open(paths.index, StorageFile::Mode::brand_new);
    if (!index.ok()) return index.error();
    std::unique_ptr<StoredCopy> copy(
        new StoredCopy(paths, volume, std::move(data).value(), std::move(index).value()));
    const IndexCommit empty{
        .sequence = 1, .generation = 1, .closed = closed, .since = 0, .end = {}};
    if (auto put = copy->write_end_marker(0); !put.ok()) return put.error();
    if (auto put = copy->write_header(); !put.ok()) return put.error();
    if (auto put = copy->put_commit(empty); !put.ok()) return put.error();
    return copy;
}

Result<std::unique_ptr<StoredCopy>> StoredCopy::open(const CopyPaths& paths,
                                                     const VolumeId& volume) {
    auto data = StorageFile::open(paths.data, StorageFile::Mode::existing);
    if (!data.ok()) return data.error();
    auto index = StorageFile::open(paths.index, StorageFile::Mode::existing_or_new);
    if (!index.ok()) return index.error();
    return std::unique_ptr<StoredCopy>(
        new StoredCopy(paths, volume, std::move(data).value(), std::move(index).value()));
}

std::uint64_t StoredCopy::entries_there() const {
    const auto size = index_.size();
    return size <= index_entries_at ? 0 : (size - index_entries_at) / index_entry_size;
}

Result<IndexEntry> StoredCopy::entry(std::uint64_t number) const {
    std::array<std::uint8_t, index_entry_size> bytes{};
    if (auto got = index_.read(index_offset(number), bytes); !got.ok()) return got.error();
    if (const auto found = decode_index_entry(bytes, number, volume_)) return *found;
    return Error{paths_.index + ": the entry of object " + std::to_string(number) +
                 " is damaged; 'cartridge check' with repair mends it"};
}

std::vector<IndexEntry> StoredCopy::entries(std::uint64_t first, std::uint64_t count) const {
    const auto there = entries_there();
    if (first >= there) return {};
    count = std::min(count, there - first);
    virtual_library::Bytes bytes(count * index_entry_size);
    std::vector<IndexEntry> found;
    if (!index_.read(index_offset(first), bytes).ok()) return found;
    found.reserve(count);
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto one = decode_index_entry(
            ByteView(bytes).subspan(i * index_entry_size, index_entry_size), first + i, volume_);
        if (!one) break;
        found.push_back(*one);
    }
    return found;
}

Outcome StoredCopy::write_entries(std::span<const IndexEntry> entries) const {
    if (entries.empty()) return Nothing{};
    virtual_library::Bytes bytes(entries.size() * index_entry_size);
    for (std::size_t i = 0; i < entries.size(); ++i) {
        encode_index_entry(entries[i], volume_,
                           std::span(bytes).subspan(i * index_entry_size, index_entry_size));
    }
    return index_.write(index_offset(entries.front().before.objects), bytes);
}

Outcome StoredCopy::write_header() const {
    // The commits of whatever was here before go with it.
    virtual_library::Bytes pages(index_entries_at);
    const auto header = encode_index_header(volume_);
    std::copy(header.begin(), header.end(), pages.begin());
    return index_.write(0, pages);
}

Outcome StoredCopy::write_commit(const IndexCommit& commit) const {
    if (auto put = put_commit(commit); !put.ok()) return put;
    return index_.synchronise();
}

Outcome StoredCopy::put_commit(const IndexCommit& commit) const {
    return index_.write(commit_offset(commit), encode_index_commit(commit, volume_));
}

std::optional<IndexCommit> StoredCopy::newest_commit() const {
    return newest_commit_in(index_, volume_);
}

std::optional<IndexCommit> StoredCopy::peek(const CopyPaths& paths, const VolumeId& volume) {
    const auto index = StorageFile::open(paths.index, StorageFile::Mode::to_read);
    return index.ok() ? newest_commit_in(index.value(), volume) : std::nullopt;
}

Outcome StoredCopy::write_end_marker(std::uint64_t offset) const {
    std::array<std::uint8_t, tap_word> marker{};
    set_little_endian(std::span<std::uint8_t>(marker), 0, tap_end_of_medium);
    return data_.write(offset, marker);
}

bool StoredCopy::has(const IndexEntry& entry, bool with_sum) const {
    const auto size = tap_size(entry.object);
    std::array<std::uint8_t, tap_word> word{};
    if (!data_.read(entry.before.offset, word).ok()) return false;
    const auto leading = little_endian_at<std::uint32_t>(word, 0);
    if (entry.object.kind == LogicalObject::Kind::filemark) return leading == tap_filemark;
    if ((leading & ~tap_error_flag) != entry.object.length) return false;
    if (!data_.read(entry.before.offset + size - tap_word, word).ok()) return false;
    if (little_endian_at<std::uint32_t>(word, 0) != leading) return false;
    if (!with_sum) return true;
    virtual_library::Bytes block(entry.object.length);
    return data_.read(entry.before.offset + tap_word, block).ok() &&
           checksum::crc32c(block) == entry.crc32c;
}

TapScanner StoredCopy::scan(std::uint64_t offset) const {
    return {[this](std::uint64_t from, std::span<std::uint8_t> into) {
                return data_.read(from, into).ok();
            },
            offset, data_.size()};
}

}  // namespace drive_iface::cartridge

// Reading what is recorded: from the first good copy, and from the other one when that fails.

#include <algorithm>
#include <array>

#include "drive_iface/cartridge/recording.hpp"
#include "drive_iface/checksum/crc32c.hpp"

namespace drive_iface::cartridge {

namespace {

using agent::core::Error;
using agent::core::Result;
using virtual_library::LogicalObject;

constexpr std::size_t blocks_at_once = 500;  // two pieces each, IOV_MAX is 1024
// Entries looked at in one go; more when blocks turn out to be short.
constexpr std::size_t entries_at_first = 8;

bool is_block(const IndexEntry& entry) {
    return entry.object.kind == LogicalObject::Kind::block;
}

// The data of neighbouring blocks in one system call.
bool read_neighbours(const StoredCopy& copy, std::span<const IndexEntry> entries,
                     std::span<ReadBlock> into) {
    std::array<std::uint8_t, tap_joint_max> between{};  // not looked at: the checksum tells
    std::vector<iovec> pieces;
    pieces.reserve(2 * entries.size());
    for (std::size_t i = 0; i < entries.size(); ++i) {
        into[i].data.resize(entries[i].object.length);
        pieces.push_back({into[i].data.data(), into[i].data.size()});
        if (i + 1 == entries.size()) break;
        const auto joint = tap_size(entries[i].object) - entries[i].object.length;
        pieces.push_back({between.data(), joint});
    }
    return copy.data().read(entries.front().before.offset + tap_word, std::span(pieces)).ok();
}

}  // namespace

std::vector<const StoredCopy*> Recording::good_copies() const {
    std::vector<const StoredCopy*> good;
    for (const auto& copy : copies_) {
        if (!copy->failed()) good.push_back(copy.get());
    }
    return good;
}

Result<IndexEntry> Recording::find(std::uint64_t number) const {
    Error first{barcode_ + ": no copy is left to read from"};
    bool failed = false;
    for (const auto& copy : copies_) {
        if (copy->failed()) continue;
        auto entry = copy->entry(number);
        if (entry.ok()) return entry;
        if (!failed) first = entry.error();
        failed = true;
    }
    return first;
}

std::vector<IndexEntry> Recording::entries(std::uint64_t first, std::uint64_t count) const {
    for (const auto& copy : copies_) {
        if (!copy->failed()) return copy->entries(first, count);
    }
    return {};
}

bool Recording::read_at_once(const IndexEntry& entry, virtual_library::Bytes& into) const {
    for (const auto& copy : copies_) {
        if (copy->failed()) continue;
        into.resize(entry.object.length);
        return copy->data().read_at_once(entry.before.offset + tap_word, into) &&
               checksum::crc32c(into) == entry.crc32c;
    }
    return false;
}

bool Recording::read_at_once(std::span<const IndexEntry> neighbours,
                             virtual_library::Bytes& into) const {
    for (const auto& copy : copies_) {
        if (copy->failed()) continue;
        const auto& last = neighbours.back();
        const auto from = neighbours.front().before.offset;
        into.resize(last.before.offset + last.object.length - from);
        return copy->data().read_at_once(from + tap_word, into);
    }
    return false;
}

ReadBlock Recording::read_one(const IndexEntry& entry) const {
    ReadBlock block{.number = entry.before.objects, .data = {}, .error = {}, .one_copy = {}};
    std::string first;  // what is wrong with the first copy that fails
    for (const auto* copy : good_copies()) {
        block.data.resize(entry.object.length);
        const auto got = copy->data().read(entry.before.offset + tap_word, block.data);
        if (got.ok() && checksum::crc32c(block.data) == entry.crc32c) {
            block.one_copy = std::move(first);
            return block;
        }
        if (!first.empty()) continue;
        first = got.ok()
                    ? copy->paths().data + ": block " + std::to_string(block.number) + " at byte " +
                          std::to_string(entry.before.offset) + " is damaged: its checksum is wrong"
                    : got.error().message;
    }
    block.error = first.empty() ? barcode_ + ": no copy is left to read" : first;
    block.data.clear();
    return block;
}

std::vector<ReadBlock> Recording::read(std::uint64_t first, std::uint64_t end,
                                       std::uint64_t bytes_max) const {
    std::vector<ReadBlock> blocks;
    std::vector<IndexEntry> entries;  // neighbours not read yet
    std::uint64_t bytes = 0;
    const auto fetch = [&] {
        if (entries.empty()) return;
        const auto from = blocks.size();
        for (const auto& entry : entries) {
            blocks.push_back({entry.before.objects, {}, {}, {}});
        }
        const auto good = good_copies();
        const bool got = !good.empty() &&
                         read_neighbours(*good.front(), entries, std::span(blocks).subspan(from));
        for (std::size_t i = 0; i < entries.size(); ++i) {
            auto& block = blocks[from + i];
            if (got && checksum::crc32c(block.data) == entries[i].crc32c) continue;
            block = read_one(entries[i]);
        }
        entries.clear();
    };
    const auto good = good_copies();
    auto group = entries_at_first;
    for (auto number = first; number < end && bytes < bytes_max;) {
        auto some = good.empty() ? std::vector<IndexEntry>{}
                                 : good.front()->entries(
                                       number, std::min<std::uint64_t>(end - number, group));
        group = std::min(4 * group, blocks_at_once);
        if (some.empty()) {
            fetch();
            const auto entry = find(number);
            if (entry.ok() && is_block(*entry)) {
                blocks.push_back(read_one(*entry));
                bytes += entry->object.length;
            } else if (!entry.ok()) {
                blocks.push_back({number, {}, entry.error().message, {}});
            }
            ++number;
            continue;
        }
        for (const auto& entry : some) {
            number = entry.before.objects + 1;
            if (!is_block(entry)) continue;
            const bool neighbours =
                entries.empty() || entries.back().after().offset == entry.before.offset;
            if (!neighbours || entries.size() == blocks_at_once) fetch();
            entries.push_back(entry);
            bytes += entry.object.length;
            if (bytes >= bytes_max) break;
        }
    }
    fetch();
    return blocks;
}

}  // namespace drive_iface::cartridge

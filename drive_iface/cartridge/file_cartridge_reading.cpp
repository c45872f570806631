// Blocks on their way to a reader: from memory at once, or fetched by the worker.

#include <algorithm>
#include <utility>

#include "drive_iface/cartridge/file_cartridge.hpp"
#include "drive_iface/checksum/crc32c.hpp"

namespace drive_iface::cartridge {

namespace {

using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using virtual_library::Bytes;
using virtual_library::LogicalObject;

// A window of short blocks. Longer ones are faster with a thread of their own.
constexpr std::uint64_t window_bytes_max = 256 << 10;
constexpr std::uint64_t window_blocks_max = 256;
constexpr std::uint32_t window_block_length_max = 64 << 10;

}  // namespace

void FileCartridge::forget_reading() {
    held_.clear();
    window_ = {};
    worker_reads_ = false;
}

// Its data; empty: it is not in the window.
ByteView FileCartridge::in_window(std::uint64_t number) const {
    if (window_.blocks.empty()) return {};
    const auto& first = window_.blocks.front().before;
    if (number < first.objects || number - first.objects >= window_.blocks.size()) return {};
    const auto& entry = window_.blocks[number - first.objects];
    return ByteView(window_.data).subspan(entry.before.offset - first.offset, entry.object.length);
}

// A reader that goes on gets a window of this block and those behind it.
bool FileCartridge::look_into_window(std::uint64_t number, bool ahead) {
    if (window_.verified == number) return true;
    auto data = in_window(number);
    if (data.empty() && ahead && !worker_reads_) {
        window_.blocks.clear();
        window_.verified.reset();
        std::uint64_t bytes = 0;
        const auto end = std::min(tail_.stored().objects, number + window_blocks_max);
        for (auto next = number; next < end && bytes < window_bytes_max; ++next) {
            const auto* entry = stored_entry(next);
            const bool fits = entry != nullptr &&
                              entry->object.kind == LogicalObject::Kind::block &&
                              entry->object.length <= window_block_length_max &&
                              (window_.blocks.empty() ||
                               window_.blocks.back().after().offset == entry->before.offset);
            if (!fits) break;
            window_.blocks.push_back(*entry);
            bytes += entry->object.length;
        }
        if (window_.blocks.empty()) return false;
        if (!worker_->recording().read_at_once(window_.blocks, window_.data)) {
            window_.blocks.clear();
        }
        data = in_window(number);
    }
    if (data.empty()) return false;
    const auto& entry = window_.blocks[number - window_.blocks.front().before.objects];
    if (checksum::crc32c(data) != entry.crc32c) return false;
    window_.verified = number;
    return true;
}

// Is this block at hand, or can it be without waiting?
bool FileCartridge::hold(std::uint64_t number, bool ahead) {
    if (held_.contains(number) || look_into_window(number, ahead)) return true;
    if (auto block = worker_->take(number)) {
        held_.emplace(number, std::move(*block));
        return true;
    }
    if (number >= tail_.stored().objects) return false;
    const auto* entry = stored_entry(number);
    if (entry == nullptr) return false;
    ReadBlock block{number, {}, {}, {}};
    if (!worker_->recording().read_at_once(*entry, block.data)) return false;
    held_.emplace(number, std::move(block));
    return true;
}

bool FileCartridge::at_hand(std::uint64_t first, std::uint64_t count) {
    const auto all = end_of_data();
    if (first >= all || count == 0) return true;
    const auto end = first + std::min(count, all - first);
    if (end > tail_.stored().objects) collect();
    const bool again = end == read_next_;  // asked again for what was waited for
    if (!again) sequential_reads_ = first == read_next_ ? sequential_reads_ + 1 : 0;
    if (sequential_reads_ == 0) worker_reads_ = false;
    read_next_ = end;
    held_.erase(held_.begin(), held_.lower_bound(first));
    held_.erase(held_.lower_bound(end), held_.end());

    // Of several only the last one could be in the window.
    const bool ahead = sequential_reads_ > 0;
    for (auto number = first; number < end; ++number) {
        if (object(number).kind == LogicalObject::Kind::filemark) continue;
        if (hold(number, ahead && count == 1)) continue;
        worker_->fetch(number, end, ahead);
        worker_reads_ = ahead;
        return false;
    }
    if (ahead && window_.verified != end - 1) {
        worker_reads_ = true;
        worker_->read_on(end);
    }
    return true;
}

// A cartridge may have millions of damaged blocks, and a host may read each of them again and
// again.
void FileCartridge::tell_damage(const std::string& line) {
    constexpr int told_max = 20;
    if (!door_.log || damage_told_ >= told_max) return;
    door_.log(line);
    if (++damage_told_ < told_max) return;
    door_.log("cartridge " + facts_.barcode + " has damage told " + std::to_string(told_max) +
              " times; no more of it is until it is loaded again");
}

Outcome FileCartridge::read(std::uint64_t number, Bytes& into) {
    if (window_.verified == number) {
        const auto data = in_window(number);
        into.insert(into.end(), data.begin(), data.end());
        return Nothing{};
    }
    auto found = held_.find(number);
    if (found == held_.end()) {
        // Not asked for with at_hand() since it was read last: rare, and worth a wait.
        auto blocks = worker_->recording().read(number, number + 1, 1);
        if (blocks.empty()) return Error{"object " + std::to_string(number) + " is no block"};
        found = held_.emplace(number, std::move(blocks.front())).first;
    }
    auto block = std::move(found->second);
    held_.erase(found);
    if (!block.error.empty()) {
        // A host hears MEDIUM ERROR, and its operator nothing of which block of what.
        tell_damage("cartridge " + facts_.barcode +
                    " has a block that can not be read: " + block.error +
                    "; cartridge check, when it is in a slot, finds all that is wrong with it");
        return Error{block.error};
    }
    if (!block.one_copy.empty()) {
        tell_damage("cartridge " + facts_.barcode +
                    " is read from its other copy: " + block.one_copy + "; 'cartridge check " +
                    facts_.barcode + "' with repair, when it is in a slot, makes both alike again");
    }
    if (into.empty()) {
        into = std::move(block.data);
    } else {
        into.insert(into.end(), block.data.begin(), block.data.end());
    }
    return Nothing{};
}

}  // namespace drive_iface::cartridge

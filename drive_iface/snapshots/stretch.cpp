#include "drive_iface/snapshots/stretch.hpp"

#include <algorithm>
#include <utility>

namespace drive_iface::snapshots {

using agent::core::Error;
using agent::core::Outcome;
using virtual_library::Bytes;
using virtual_library::LogicalObject;

StretchCartridge::StretchCartridge(std::string barcode, std::vector<Stretch> stretches) {
    facts_.barcode = std::move(barcode);
    facts_.write_protected = true;
    std::uint64_t filemarks = 0;
    for (auto& stretch : stretches) {
        const auto there = stretch.source ? stretch.source->end_of_data() : 0;
        if (stretch.objects > there) {
            stretch.objects = there;
            stretch.bytes = stretch.source ? stretch.source->used() : 0;
        }
        parts_.push_back({std::move(stretch), size_, filemarks});
        const Stretch& added = parts_.back().stretch;
        facts_.capacity += added.bytes;
        size_ += added.objects + (added.closed ? 1 : 0);
        filemarks += filemarks_in(added) + (added.closed ? 1 : 0);
    }
}

std::uint64_t StretchCartridge::filemarks_in(const Stretch& stretch) {
    if (stretch.objects == 0) return 0;
    const auto& source = *stretch.source;
    return source.filemarks_before(std::min(stretch.objects, source.end_of_data()));
}

const StretchCartridge::Part& StretchCartridge::part_with(std::uint64_t number) const {
    const auto behind = std::upper_bound(
        parts_.begin(), parts_.end(), number,
        [](std::uint64_t wanted, const Part& part) { return wanted < part.first; });
    return *std::prev(behind);
}

bool StretchCartridge::lost(const Part& part, std::uint64_t within) {
    return within >= part.stretch.source->end_of_data();
}

LogicalObject StretchCartridge::object(std::uint64_t number) const {
    const Part& part = part_with(number);
    const auto within = number - part.first;
    if (within >= part.stretch.objects) return {LogicalObject::Kind::filemark, 0};
    if (lost(part, within)) return {LogicalObject::Kind::block, 1};
    return part.stretch.source->object(within);
}

std::uint64_t StretchCartridge::filemarks_before(std::uint64_t number) const {
    if (parts_.empty()) return 0;
    const Part& part = part_with(number);
    const auto within = number - part.first;
    const auto& stretch = part.stretch;
    if (within > stretch.objects) return part.filemarks + filemarks_in(stretch) + 1;
    if (within == 0) return part.filemarks;
    return part.filemarks +
           stretch.source->filemarks_before(std::min(within, stretch.source->end_of_data()));
}

std::optional<std::uint64_t> StretchCartridge::nth_filemark(std::uint64_t ordinal) const {
    const auto behind = std::upper_bound(
        parts_.begin(), parts_.end(), ordinal,
        [](std::uint64_t wanted, const Part& part) { return wanted < part.filemarks; });
    if (behind == parts_.begin()) return std::nullopt;
    const Part& part = *std::prev(behind);
    const auto within = ordinal - part.filemarks;
    const auto own = filemarks_in(part.stretch);
    if (within < own) {
        const auto found = part.stretch.source->nth_filemark(within);
        return found ? std::optional(part.first + *found) : std::nullopt;
    }
    if (within == own && part.stretch.closed) return part.first + part.stretch.objects;
    return std::nullopt;
}

bool StretchCartridge::at_hand(std::uint64_t first, std::uint64_t count) {
    bool all = true;
    const auto end = first + std::min(count, size_ - std::min(first, size_));
    for (auto& part : parts_) {
        const auto from = std::max(first, part.first);
        const auto to = std::min(end, part.first + part.stretch.objects);
        if (from < to) all = part.stretch.source->at_hand(from - part.first, to - from) && all;
    }
    return all;
}

Outcome StretchCartridge::read(std::uint64_t number, Bytes& into) {
    const Part& part = part_with(number);
    const auto within = number - part.first;
    if (lost(part, within)) {
        return Error{"block " + std::to_string(within) +
                     " was lost: the folders could not store it"};
    }
    return part.stretch.source->read(within, into);
}

void StretchCartridge::on_progress(std::function<void()> progress) {
    for (auto& part : parts_) {
        if (part.stretch.source) part.stretch.source->on_progress(progress);
    }
}

}  // namespace drive_iface::snapshots

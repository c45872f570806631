#include "drive_iface/sessions/stream_parts.hpp"

#include <algorithm>
#include <utility>

#include "agent/core/assert.hpp"

namespace drive_iface::sessions {

// Counted from the nearer end: cuts are at the beginning or close to the end, as a rule.
std::uint64_t bytes_before(const Cartridge& cartridge, std::uint64_t number, std::uint64_t end,
                           std::uint64_t used) {
    std::uint64_t counted = 0;
    if (number <= end - number) {
        for (std::uint64_t at = 0; at < number; ++at)
            counted += cartridge.object(at).length;
        return counted;
    }
    for (std::uint64_t at = number; at < end; ++at)
        counted += cartridge.object(at).length;
    return used - counted;
}

void StreamParts::append(StreamPart part) {
    if (part.count == 0) return;
    size_ += part.count;
    parts_.push_back(std::move(part));
}

void StreamParts::cut(std::uint64_t number) {
    while (size_ > number) {
        auto& last = parts_.back();
        const auto before = size_ - last.count;
        if (before >= number) {
            size_ = before;
            parts_.pop_back();
            continue;
        }
        last.bytes =
            bytes_before(*last.source->operator->(), number - before, last.count, last.bytes);
        last.count = number - before;
        size_ = number;
    }
}

std::uint64_t StreamParts::bytes() const {
    std::uint64_t all = 0;
    for (const auto& part : parts_)
        all += part.bytes;
    return all;
}

StreamParts::Place StreamParts::place_of(std::uint64_t number) const {
    for (const auto& part : parts_) {
        if (number < part.count) return {&part, number};
        number -= part.count;
    }
    AGENT_ASSERT(false);
    return {nullptr, 0};
}

virtual_library::LogicalObject StreamParts::object(std::uint64_t number) const {
    const auto place = place_of(number);
    return (*place.part->source)->object(place.number);
}

agent::core::Outcome StreamParts::read(std::uint64_t number, virtual_library::Bytes& into) const {
    const auto place = place_of(number);
    return (*place.part->source)->read(place.number, into);
}

bool StreamParts::at_hand(std::uint64_t first, std::uint64_t count) const {
    bool all = true;
    std::uint64_t begin = 0;
    const auto end = first + std::min(count, size_ - std::min(first, size_));
    for (const auto& part : parts_) {
        const auto from = std::max(first, begin);
        const auto to = std::min(end, begin + part.count);
        if (from < to) all = (*part.source)->at_hand(from - begin, to - from) && all;
        begin += part.count;
    }
    return all;
}

std::uint64_t StreamParts::filemarks_before(std::uint64_t number) const {
    std::uint64_t all = 0;
    for (const auto& part : parts_) {
        const auto here = std::min(number, part.count);
        all += (*part.source)->filemarks_before(here);
        number -= here;
        if (number == 0) break;
    }
    return all;
}

std::optional<std::uint64_t> StreamParts::nth_filemark(std::uint64_t ordinal) const {
    std::uint64_t begin = 0;
    for (const auto& part : parts_) {
        const auto here = (*part.source)->filemarks_before(part.count);
        if (ordinal < here) {
            const auto found = (*part.source)->nth_filemark(ordinal);
            return found ? std::optional(begin + *found) : std::nullopt;
        }
        ordinal -= here;
        begin += part.count;
    }
    return std::nullopt;
}

}  // namespace drive_iface::sessions

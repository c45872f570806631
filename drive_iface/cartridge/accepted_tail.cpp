#include "drive_iface/cartridge/accepted_tail.hpp"

#include <algorithm>

#include "agent/core/assert.hpp"

namespace drive_iface::cartridge {

using virtual_library::LogicalObject;

RecordedEnd AcceptedTail::Run::after(std::uint64_t objects) const {
    auto end = begin;
    end.objects += objects;
    end.offset += objects * tap_size(object);
    end.bytes += objects * object.length;
    if (object.kind == LogicalObject::Kind::filemark) end.filemarks += objects;
    return end;
}

void AcceptedTail::append_blocks(std::uint64_t count, std::uint32_t length) {
    append({LogicalObject::Kind::block, length}, count);
}

void AcceptedTail::append_filemarks(std::uint64_t count) {
    append({LogicalObject::Kind::filemark, 0}, count);
}

void AcceptedTail::append(const LogicalObject& object, std::uint64_t count) {
    if (count == 0) return;
    const bool alike = !runs_.empty() && runs_.back().object.kind == object.kind &&
                       runs_.back().object.length == object.length;
    if (!alike) runs_.push_back({end_, object, 0});
    runs_.back().count += count;
    end_ = runs_.back().after(runs_.back().count);
}

void AcceptedTail::cut(const RecordedEnd& at) {
    while (!runs_.empty() && runs_.back().begin.objects >= at.objects) {
        runs_.pop_back();
    }
    if (!runs_.empty()) runs_.back().count = at.objects - runs_.back().begin.objects;
    end_ = at;
    if (at.objects < stored_.objects) stored_ = at;
}

void AcceptedTail::set_stored(const RecordedEnd& stored) {
    AGENT_ASSERT(stored.objects >= stored_.objects && stored.objects <= end_.objects);
    while (!runs_.empty() && runs_.front().begin.objects + runs_.front().count <= stored.objects) {
        runs_.pop_front();
    }
    if (!runs_.empty()) {
        auto& run = runs_.front();
        run.count -= stored.objects - run.begin.objects;
        run.begin = stored;
    }
    stored_ = stored;
}

const AcceptedTail::Run& AcceptedTail::run_of(std::uint64_t number) const {
    AGENT_ASSERT(number >= stored_.objects && number < end_.objects);
    const auto behind = std::upper_bound(
        runs_.begin(), runs_.end(), number,
        [](std::uint64_t wanted, const Run& run) { return wanted < run.begin.objects; });
    return *std::prev(behind);
}

LogicalObject AcceptedTail::object(std::uint64_t number) const {
    return run_of(number).object;
}

RecordedEnd AcceptedTail::before(std::uint64_t number) const {
    if (number == end_.objects) return end_;
    const auto& run = run_of(number);
    return run.after(number - run.begin.objects);
}

std::uint64_t AcceptedTail::nth_filemark(std::uint64_t ordinal) const {
    AGENT_ASSERT(ordinal >= stored_.filemarks && ordinal < end_.filemarks);
    const auto behind = std::upper_bound(
        runs_.begin(), runs_.end(), ordinal,
        [](std::uint64_t wanted, const Run& run) { return wanted < run.begin.filemarks; });
    // The last run that begins with no more filemarks before it: of several, only a run of
    // filemarks is followed by one with more.
    const auto& run = *std::prev(behind);
    return run.begin.objects + (ordinal - run.begin.filemarks);
}

}  // namespace drive_iface::cartridge

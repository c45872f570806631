#pragma once

// What a cartridge accepted and its index file does not tell yet: runs of like objects, so that
// sixteen million filemarks take no more than one. The event loop's view; pure.

#include <cstdint>
#include <deque>
#include <optional>

#include "drive_iface/cartridge/index_format.hpp"

namespace drive_iface::cartridge {

class AcceptedTail {
  public:
    explicit AcceptedTail(const RecordedEnd& stored) : stored_(stored), end_(stored) {}

    // Objects below are told by the index.
    [[nodiscard]] const RecordedEnd& stored() const { return stored_; }
    [[nodiscard]] const RecordedEnd& end() const { return end_; }

    void append_blocks(std::uint64_t count, std::uint32_t length);
    void append_filemarks(std::uint64_t count);
    // Everything from `at` on, a border between objects, is given up.
    void cut(const RecordedEnd& at);
    // The index tells this much by now: objects of the tail.
    void set_stored(const RecordedEnd& stored);

    // `number` from stored().objects to below end().objects.
    [[nodiscard]] virtual_library::LogicalObject object(std::uint64_t number) const;
    // `number` from stored().objects to end().objects.
    [[nodiscard]] RecordedEnd before(std::uint64_t number) const;
    // `ordinal` from stored().filemarks to below end().filemarks.
    [[nodiscard]] std::uint64_t nth_filemark(std::uint64_t ordinal) const;

  private:
    struct Run {
        RecordedEnd begin;
        virtual_library::LogicalObject object;
        std::uint64_t count = 0;

        [[nodiscard]] RecordedEnd after(std::uint64_t objects) const;
    };
    void append(const virtual_library::LogicalObject& object, std::uint64_t count);
    [[nodiscard]] const Run& run_of(std::uint64_t number) const;

    RecordedEnd stored_;
    RecordedEnd end_;
    std::deque<Run> runs_;  // without gaps from stored_ to end_
};

}  // namespace drive_iface::cartridge

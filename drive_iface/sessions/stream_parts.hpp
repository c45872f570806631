#pragma once

// Recordings one behind the other, numbered as if they were one: what a host of a parallel drive
// sees as its cartridge.

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "drive_iface/sessions/shared_cartridge.hpp"

namespace drive_iface::sessions {

// The first `count` objects of `source`, with `bytes` of block data.
struct StreamPart {
    std::shared_ptr<SharedCartridge> source;
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;
};

class StreamParts {
  public:
    void append(StreamPart part);
    // Everything from `number` on leaves the stream; the sources stay as they are.
    void cut(std::uint64_t number);

    [[nodiscard]] std::uint64_t size() const { return size_; }
    [[nodiscard]] std::uint64_t bytes() const;
    [[nodiscard]] std::uint64_t filemarks() const { return filemarks_before(size_); }

    // Below: `number` is below size().
    [[nodiscard]] virtual_library::LogicalObject object(std::uint64_t number) const;
    [[nodiscard]] agent::core::Outcome read(std::uint64_t number,
                                            virtual_library::Bytes& into) const;
    [[nodiscard]] bool at_hand(std::uint64_t first, std::uint64_t count) const;
    // `number` is at most size().
    [[nodiscard]] std::uint64_t filemarks_before(std::uint64_t number) const;
    [[nodiscard]] std::optional<std::uint64_t> nth_filemark(std::uint64_t ordinal) const;

    [[nodiscard]] const std::vector<StreamPart>& parts() const { return parts_; }

  private:
    struct Place {
        const StreamPart* part;
        std::uint64_t number;  // within it
    };
    [[nodiscard]] Place place_of(std::uint64_t number) const;

    std::vector<StreamPart> parts_;
    std::uint64_t size_ = 0;
};

// Bytes of block data before object `number` of a cartridge that holds `used` in all.
[[nodiscard]] std::uint64_t bytes_before(const Cartridge& cartridge, std::uint64_t number,
                                         std::uint64_t end, std::uint64_t used);

}  // namespace drive_iface::sessions

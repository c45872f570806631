#pragma once

// What sessions had recorded by some moment, one behind the other, as a write-protected cartridge.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drive_iface/virtual/cartridge.hpp"

namespace drive_iface::snapshots {

// The first `objects` of a cartridge; it may have fewer by now.
struct Stretch {
    std::unique_ptr<virtual_library::Cartridge> source;
    std::uint64_t objects = 0;
    std::uint64_t bytes = 0;  // of their blocks
    // A filemark of ours behind it.
    bool closed = false;
};

class StretchCartridge final : public virtual_library::Cartridge {
  public:
    StretchCartridge(std::string barcode, std::vector<Stretch> stretches);

    const virtual_library::CartridgeFacts& facts() const override { return facts_; }
    std::uint64_t end_of_data() const override { return size_; }
    virtual_library::LogicalObject object(std::uint64_t number) const override;
    std::uint64_t filemarks_before(std::uint64_t number) const override;
    std::optional<std::uint64_t> nth_filemark(std::uint64_t ordinal) const override;
    std::uint64_t used() const override { return facts_.capacity; }
    bool at_hand(std::uint64_t first, std::uint64_t count) override;
    agent::core::Outcome read(std::uint64_t number, virtual_library::Bytes& into) override;

    // Nothing is ever written.
    Room room_for(std::uint64_t) override { return Room::now; }
    void append_blocks(std::uint64_t, virtual_library::Bytes, std::uint32_t) override {}
    void append_filemarks(std::uint64_t, std::uint32_t) override {}
    void erase(std::uint64_t) override {}
    std::uint64_t early_warning_at() const override { return used(); }
    std::uint64_t end_of_medium_at() const override { return used(); }
    void synchronise() override {}
    bool synchronised() const override { return true; }
    Buffered buffered() const override { return {}; }
    std::optional<agent::core::Error> take_fault() override { return std::nullopt; }
    const virtual_library::MediumAttributes& attributes() const override { return attributes_; }
    void set_attributes(virtual_library::MediumAttributes) override {}

    void on_progress(std::function<void()> progress) override;

  private:
    struct Part {
        Stretch stretch;
        std::uint64_t first = 0;      // number of its first object
        std::uint64_t filemarks = 0;  // before it
    };
    [[nodiscard]] static std::uint64_t filemarks_in(const Stretch& stretch);
    [[nodiscard]] const Part& part_with(std::uint64_t number) const;
    // Something acknowledged could not be stored after this was opened.
    [[nodiscard]] static bool lost(const Part& part, std::uint64_t within);

    virtual_library::CartridgeFacts facts_;
    virtual_library::MediumAttributes attributes_;
    std::vector<Part> parts_;
    std::uint64_t size_ = 0;
};

}  // namespace drive_iface::snapshots

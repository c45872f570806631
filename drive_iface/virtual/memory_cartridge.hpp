#pragma once

// Cartridges that live in memory: for tests, the simulator, fuzzers and the volumes the library
// makes up itself. They do what they are asked at once, unless their mood says otherwise.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "drive_iface/virtual/cartridge.hpp"

namespace drive_iface::virtual_library {

// How a medium makes its drive wait. With everything at its default nothing ever waits.
struct MemoryMood {
    bool fetches = false;     // a block is at hand only after it was asked for and work() was done
    bool buffers = false;     // what is accepted is stored by work(), not at once
    bool opens_late = false;  // the shelf opens it at the second asking after work()
    std::uint64_t objects_a_step = 1;  // that one work() fetches or stores
    // room_for() refuses more, but never on an empty buffer.
    std::uint64_t buffer_bytes = std::uint64_t{1024} * 1024;
};

// What is on the tape, in a drive or not. A test keeps hold of it to look at it and to spoil it.
class MemoryMedium {
  public:
    // With early warning 1/32 of the capacity before its end.
    explicit MemoryMedium(CartridgeFacts facts);

    struct Object {
        LogicalObject::Kind kind = LogicalObject::Kind::block;
        Bytes data;
        bool operator==(const Object&) const = default;
    };

    CartridgeFacts facts;
    MediumAttributes attributes;
    MemoryMood mood;
    std::uint64_t early_warning_at = 0;
    std::uint64_t end_of_medium_at = 0;
    std::set<std::uint64_t> damaged;  // objects that read() finds damaged

    // For who fills a medium before anybody uses it. A block has 1 to block_length_max bytes.
    void append_block(Bytes data);
    void append_filemark();

    [[nodiscard]] const std::vector<Object>& objects() const { return objects_; }
    [[nodiscard]] const std::vector<std::uint64_t>& filemarks() const { return filemarks_; }
    [[nodiscard]] std::uint64_t used() const { return used_; }

    // One step of what a moody medium does behind the drive's back, and progress() with it. False:
    // there was nothing to do.
    bool work();
    // The next step of storing fails: what is not stored yet is lost, and the drive hears `error`.
    // Until a later step goes well it is not synchronised, and nothing is tried again unasked. Only
    // for media that buffer.
    void fail_storing(agent::core::Error error) { failing_ = std::move(error); }
    // Every step fails, until the storage is mended.
    void break_storage(agent::core::Error error) { broken_ = std::move(error); }
    void mend_storage() { broken_.reset(); }
    bool memory_broken = false;  // the attributes can not be stored
    // Power is lost: what was accepted and not stored is gone.
    void lose_what_is_not_stored() { cut_off(std::min<std::uint64_t>(stored_, objects_.size())); }

  private:
    friend class MemoryCartridge;
    friend class MemoryShelf;

    void cut_off(std::uint64_t at);
    void store_until(std::uint64_t number);
    bool fetch();
    bool store();

    std::vector<Object> objects_;
    std::vector<std::uint64_t> filemarks_;  // their numbers, ascending
    std::uint64_t used_ = 0;
    std::uint64_t stored_ = 0;        // objects that survive a loss of power
    std::uint64_t stored_bytes_ = 0;  // in them
    bool attributes_stored_ = true;
    bool settled_ = true;  // no step has failed since all was stored last
    bool asked_ = false;   // to synchronise, since a step failed

    std::uint64_t fetched_from_ = 0, fetched_to_ = 0;  // at hand
    std::uint64_t wanted_from_ = 0, wanted_to_ = 0;    // being fetched
    std::optional<agent::core::Error> failing_, broken_, fault_;

    bool open_ = false;
    bool opening_ = false, opened_ = false;
    std::function<void()> progress_;
};

class MemoryCartridge final : public Cartridge {
  public:
    explicit MemoryCartridge(std::shared_ptr<MemoryMedium> medium);  // shared with its shelf
    ~MemoryCartridge() override;
    MemoryCartridge(const MemoryCartridge&) = delete;
    MemoryCartridge& operator=(const MemoryCartridge&) = delete;

    [[nodiscard]] const CartridgeFacts& facts() const override { return medium_->facts; }
    [[nodiscard]] std::uint64_t end_of_data() const override;
    [[nodiscard]] LogicalObject object(std::uint64_t number) const override;
    [[nodiscard]] std::uint64_t filemarks_before(std::uint64_t number) const override;
    [[nodiscard]] std::optional<std::uint64_t> nth_filemark(std::uint64_t ordinal) const override;
    [[nodiscard]] std::uint64_t used() const override { return medium_->used_; }

    [[nodiscard]] bool at_hand(std::uint64_t first, std::uint64_t count) override;
    [[nodiscard]] agent::core::Outcome read(std::uint64_t number, Bytes& into) override;

    [[nodiscard]] Room room_for(std::uint64_t bytes) override;
    void append_blocks(std::uint64_t at, Bytes data, std::uint32_t block_length) override;
    void append_filemarks(std::uint64_t at, std::uint32_t count) override;
    void erase(std::uint64_t at) override;

    [[nodiscard]] std::uint64_t early_warning_at() const override;
    [[nodiscard]] std::uint64_t end_of_medium_at() const override;

    void synchronise() override;
    [[nodiscard]] bool synchronised() const override;
    [[nodiscard]] Buffered buffered() const override;
    [[nodiscard]] std::optional<agent::core::Error> take_fault() override;

    [[nodiscard]] const MediumAttributes& attributes() const override {
        return medium_->attributes;
    }
    void set_attributes(MediumAttributes attributes) override;
    [[nodiscard]] bool attributes_stored() const override;
    void fail_storing(bool fails) override;

    void on_progress(std::function<void()> progress) override;

  private:
    std::shared_ptr<MemoryMedium> medium_;
};

class MemoryShelf final : public CartridgeShelf {
  public:
    // Replaces one of the same barcode, which must be in no drive.
    std::shared_ptr<MemoryMedium> add(CartridgeFacts facts);
    // Null: unknown barcode.
    [[nodiscard]] std::shared_ptr<MemoryMedium> find(const std::string& barcode) const;
    // work() of all media; false: there was nothing to do.
    bool work();

    [[nodiscard]] std::vector<Entry> list() const override;
    [[nodiscard]] std::optional<agent::core::Result<std::unique_ptr<Cartridge>>> open(
        const std::string& barcode) override;
    void on_progress(std::function<void()> progress) override { progress_ = std::move(progress); }

  private:
    std::map<std::string, std::shared_ptr<MemoryMedium>> media_;
    std::function<void()> progress_;
};

}  // namespace drive_iface::virtual_library

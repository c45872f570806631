#pragma once

// What one nexus of a parallel drive has for a cartridge: everything committed when it was opened,
// and behind it what this nexus writes.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drive_iface/sessions/stream_parts.hpp"
#include "drive_iface/sessions/write_stream.hpp"
#include "drive_iface/virtual/parallel.hpp"

namespace drive_iface::sessions {

class SessionCartridge final : public virtual_library::ParallelCartridge {
  public:
    struct Doors {
        // Begins a session. Null: it can only be read.
        std::function<agent::core::Result<std::shared_ptr<WriteStream>>()> begin;
        // Its first object goes to `start`.
        std::function<void(std::uint32_t identifier, std::uint64_t start)> started;
        // Bytes that still fit until early warning, and until the end of the medium.
        struct Space {
            std::uint64_t until_warning = 0;
            std::uint64_t until_end = 0;
        };
        std::function<Space()> space;
        RunOnLoop run_on_loop;
        std::shared_ptr<void> keeps;  // what has to stay as long as this is open
    };

    // `base` keeps the auxiliary memory; null: there is none.
    SessionCartridge(virtual_library::CartridgeFacts facts, StreamParts committed,
                     std::shared_ptr<SharedCartridge> base, Doors doors);
    ~SessionCartridge() override;
    SessionCartridge(const SessionCartridge&) = delete;
    SessionCartridge& operator=(const SessionCartridge&) = delete;

    // ParallelCartridge
    std::optional<virtual_library::WriteSession> session() const override;
    void complete() override;

    // Cartridge
    const virtual_library::CartridgeFacts& facts() const override { return facts_; }
    std::uint64_t end_of_data() const override;
    virtual_library::LogicalObject object(std::uint64_t number) const override;
    std::uint64_t filemarks_before(std::uint64_t number) const override;
    std::optional<std::uint64_t> nth_filemark(std::uint64_t ordinal) const override;
    std::uint64_t used() const override;
    bool at_hand(std::uint64_t first, std::uint64_t count) override;
    agent::core::Outcome read(std::uint64_t number, virtual_library::Bytes& into) override;
    Room room_for(std::uint64_t bytes) override;
    void append_blocks(std::uint64_t at, virtual_library::Bytes data,
                       std::uint32_t block_length) override;
    void append_filemarks(std::uint64_t at, std::uint32_t count) override;
    void erase(std::uint64_t at) override;
    std::uint64_t early_warning_at() const override;
    std::uint64_t end_of_medium_at() const override;
    void synchronise() override;
    bool synchronised() const override;
    Buffered buffered() const override;
    std::optional<agent::core::Error> take_fault() override;
    void lose_power() override;
    const virtual_library::MediumAttributes& attributes() const override;
    void set_attributes(virtual_library::MediumAttributes attributes) override;
    void fail_storing(bool fails) override;
    void on_progress(std::function<void()> progress) override;

  private:
    struct Told;  // whom to tell of progress; may live longer than this

    [[nodiscard]] bool has_own() const { return stream_ && stream_->shared() != nullptr; }
    [[nodiscard]] Cartridge& own() const { return stream_->segment(); }
    [[nodiscard]] std::uint64_t own_count() const;
    void fold();
    void give_up_unmade();
    void listen_to(const std::shared_ptr<SharedCartridge>& source);
    // Where in the segment object `at` goes; everything from there on is given up.
    [[nodiscard]] std::uint64_t place_for(std::uint64_t at);

    virtual_library::CartridgeFacts facts_;
    StreamParts parts_;
    std::shared_ptr<SharedCartridge> base_;
    Doors doors_;
    std::shared_ptr<WriteStream> stream_;
    std::optional<std::uint64_t> frozen_count_;  // of the stream, while it is being completed
    std::uint64_t frozen_bytes_ = 0;
    bool started_ = false;
    std::optional<virtual_library::WriteSession> last_;
    std::optional<agent::core::Error> fault_;
    std::vector<std::shared_ptr<void>> listening_;
    bool storage_fails_ = false;  // a fault that is played
    bool power_lost_ = false;
    std::shared_ptr<Told> told_;
};

}  // namespace drive_iface::sessions

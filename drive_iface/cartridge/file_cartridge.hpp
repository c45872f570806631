#pragma once

// An open cartridge whose recording is in files. Made by the shelf.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "drive_iface/cartridge/accepted_tail.hpp"
#include "drive_iface/cartridge/metadata.hpp"
#include "drive_iface/cartridge/store_worker.hpp"
#include "drive_iface/virtual/cartridge.hpp"

namespace drive_iface::cartridge {

class FileCartridge final : public virtual_library::Cartridge {
  public:
    struct Door {
        std::function<void(std::function<void()>)> run_on_loop;  // from any thread
        std::function<void(const std::string&)> log;             // on the loop's thread
        // Called when the cartridge is destroyed: the worker still has to finish().
        std::function<void(std::unique_ptr<StoreWorker>, Metadata)> give_back;
        std::uint64_t buffer_bytes = 64ULL << 20;
        StoreWorker::Limits limits{};
    };
    FileCartridge(std::unique_ptr<Recording> recording, Door door);
    ~FileCartridge() override;

    FileCartridge(const FileCartridge&) = delete;
    FileCartridge& operator=(const FileCartridge&) = delete;

    // Write protected also as long as its storage can not be written: protection() tells why.
    [[nodiscard]] const virtual_library::CartridgeFacts& facts() const override;
    [[nodiscard]] const std::string& protection() const;
    [[nodiscard]] std::uint64_t end_of_data() const override;
    [[nodiscard]] virtual_library::LogicalObject object(std::uint64_t number) const override;
    [[nodiscard]] std::uint64_t filemarks_before(std::uint64_t number) const override;
    [[nodiscard]] std::optional<std::uint64_t> nth_filemark(std::uint64_t ordinal) const override;
    [[nodiscard]] std::uint64_t used() const override;

    [[nodiscard]] bool at_hand(std::uint64_t first, std::uint64_t count) override;
    [[nodiscard]] agent::core::Outcome read(std::uint64_t number,
                                            virtual_library::Bytes& into) override;

    [[nodiscard]] Room room_for(std::uint64_t bytes) override;
    void append_blocks(std::uint64_t at, virtual_library::Bytes data,
                       std::uint32_t block_length) override;
    void append_filemarks(std::uint64_t at, std::uint32_t count) override;
    void erase(std::uint64_t at) override;
    [[nodiscard]] std::uint64_t early_warning_at() const override;
    [[nodiscard]] std::uint64_t end_of_medium_at() const override;

    void synchronise() override;
    [[nodiscard]] bool synchronised() const override;
    [[nodiscard]] Buffered buffered() const override;
    [[nodiscard]] std::optional<agent::core::Error> take_fault() override;
    void fail_storing(bool fails) override;
    void lose_power() override;

    [[nodiscard]] const virtual_library::MediumAttributes& attributes() const override;
    void set_attributes(virtual_library::MediumAttributes attributes) override;
    [[nodiscard]] bool attributes_stored() const override;

    void on_progress(std::function<void()> progress) override;

  private:
    class Loop;

    void collect();
    void note_full();
    void cut(std::uint64_t at);
    void give(StoreOperation operation);
    [[nodiscard]] bool reserved_for(std::uint64_t bytes, std::uint64_t objects) const;
    void ask_to_reserve(std::uint64_t bytes, std::uint64_t objects) const;
    void ask_again_when_full() const;
    [[nodiscard]] bool room_now(std::uint64_t bytes);
    [[nodiscard]] std::uint64_t bytes_left() const;
    [[nodiscard]] RecordedEnd before(std::uint64_t number) const;
    [[nodiscard]] const IndexEntry* stored_entry(std::uint64_t number) const;
    void tell_damage(const std::string& line);
    [[nodiscard]] bool hold(std::uint64_t number, bool ahead);
    [[nodiscard]] bool look_into_window(std::uint64_t number, bool ahead);
    [[nodiscard]] ByteView in_window(std::uint64_t number) const;
    void forget_reading();

    Door door_;
    Metadata metadata_;
    virtual_library::CartridgeFacts facts_;
    std::unique_ptr<StoreWorker> worker_;
    // Shared with what was posted to the loop, which may be called when the cartridge is gone.
    std::shared_ptr<Loop> loop_;

    mutable StoreState state_;  // as of the last collect()
    AcceptedTail tail_;
    std::uint64_t given_ = 0;  // operations
    std::uint64_t cost_given_ = 0;
    std::uint64_t cut_operation_ = 0;  // the last one that cut: what was stored before it is past
    std::uint64_t faults_seen_ = 0;
    bool fault_untold_ = false;      // until take_fault() all is as it was before it
    bool metadata_changed_ = false;  // since it was last handed to the worker
    std::uint64_t metadata_given_ = 0;
    std::uint64_t full_at_ = 0;                  // used() when the folder was found full
    mutable std::int64_t reserve_again_at_ = 0;  // steady milliseconds

    // Entries read last, in groups of neighbours.
    struct EntryGroup {
        std::uint64_t first = 0;
        std::vector<IndexEntry> entries;
    };
    mutable std::map<std::uint64_t, EntryGroup> entry_groups_;
    mutable std::optional<IndexEntry> lone_entry_;  // behind a damaged one of its group

    std::map<std::uint64_t, ReadBlock> held_;  // at hand
    // Short blocks that are in memory: many with one system call and no other thread. The last one
    // looked for is verified, and at hand.
    struct Window {
        std::vector<IndexEntry> blocks;
        virtual_library::Bytes data;
        std::optional<std::uint64_t> verified;
    };
    Window window_;
    int damage_told_ = 0;          // lines in the log since it was loaded
    bool worker_reads_ = false;    // what is not in memory, until the reader goes elsewhere
    std::uint64_t read_next_ = 0;  // behind the last request
    std::uint32_t sequential_reads_ = 0;
};

}  // namespace drive_iface::cartridge

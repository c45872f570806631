#pragma once

// What is recorded on one cartridge, in all its copies: appended to, cut and synchronised by one
// thread, its caller's, which it blocks. The reading functions may be called by another
// thread at the same time for objects below what append() returned for.

#include <memory>
#include <string>
#include <vector>

#include "drive_iface/cartridge/copy_recovery.hpp"
#include "drive_iface/cartridge/early_writeback.hpp"
#include "drive_iface/cartridge/metadata.hpp"
#include "drive_iface/cartridge/stored_copy.hpp"

namespace drive_iface::cartridge {

struct ReadBlock {
    std::uint64_t number = 0;
    virtual_library::Bytes data;
    std::string error;     // empty: `data` is what was written
    std::string one_copy;  // not empty: what is wrong with one copy, while another one is whole
};

// What is in the folders under one barcode, as far as the descriptions tell.
struct FoundCartridge {
    struct Copy {
        CopyPaths paths;
        Metadata metadata;
    };
    Metadata metadata;         // of the newest one
    std::vector<Copy> copies;  // of the same recording
    std::vector<std::string> troubles;
};
// Data and descriptions under this barcode, usable or not, in order of the folders.
[[nodiscard]] std::vector<std::string> files_of(const std::vector<std::string>& folders,
                                                const std::string& barcode);
[[nodiscard]] agent::core::Result<FoundCartridge> find_cartridge(
    const std::vector<std::string>& folders, const std::string& barcode);

// Of these copies, held together. Error: one of them is in use.
[[nodiscard]] agent::core::Result<std::vector<FileLock>> lock_copies(
    const std::vector<CopyPaths>& places, const std::string& barcode);

struct OpeningOptions {
    Cancelled cancelled = [] { return false; };
    bool distrust_index = false;  // build it anew from the data
    // A copy that misses more bytes than this is left out: loading must not take hours.
    std::uint64_t catch_up_max = 1ULL << 30;
};

class Recording {
  public:
    // Takes the locks, mends what a crash left, and brings a mirror's copies to the same end when
    // little is missing. Errors: unknown, held by another process, no copy usable, cancelled.
    [[nodiscard]] static agent::core::Result<std::unique_ptr<Recording>> open(
        const std::vector<std::string>& folders, const std::string& barcode,
        const OpeningOptions& options);
    // Empty, in these folders, which have no such cartridge yet. `closed`: as if it had been
    // unloaded; not so when it is about to be written, which spares a commit.
    [[nodiscard]] static agent::core::Result<std::unique_ptr<Recording>> create(
        const std::vector<std::string>& folders, const Metadata& metadata, bool closed = true);

    // ---- what it is

    [[nodiscard]] const Metadata& metadata() const { return metadata_; }
    [[nodiscard]] const RecordedEnd& end() const { return end_; }
    [[nodiscard]] const RecordedEnd& synchronised_end() const { return commit_.end; }
    // All copies, failed ones among them.
    [[nodiscard]] const std::vector<std::unique_ptr<StoredCopy>>& copies() const { return copies_; }
    // Why nothing can be written to it, in an operator's words; empty: it can.
    [[nodiscard]] const std::string& protection() const { return protection_; }
    [[nodiscard]] bool any_writable() const;
    // From now on, until it is opened again.
    void protect(const std::string& why);
    // Lines for the operator since the last call.
    [[nodiscard]] std::vector<std::string> take_findings();

    // ---- storing

    // Behind end(). On failure end() tells how much of it was stored.
    [[nodiscard]] agent::core::Outcome append(std::span<const RecordedPiece> pieces);
    // Gives up everything from `at`, a border between objects at or before end(), on. That is
    // durable when it returns.
    [[nodiscard]] agent::core::Outcome cut(const RecordedEnd& at);
    [[nodiscard]] agent::core::Outcome synchronise();
    // One copy that has it is enough: the description with the highest revision counts.
    [[nodiscard]] agent::core::Outcome store_metadata(Metadata metadata);

    // Sees to it that the files have room up to these sizes. `done` also where the file system can
    // not promise it.
    [[nodiscard]] StorageFile::Reserve reserve(std::uint64_t data_size, std::uint64_t index_size);
    [[nodiscard]] std::uint64_t data_reserved() const { return data_reserved_; }
    [[nodiscard]] std::uint64_t index_reserved() const { return index_reserved_; }

    // One more copy, in a folder where none is used; what a failed one left there is replaced.
    [[nodiscard]] agent::core::Outcome add_copy(const std::string& folder,
                                                const Cancelled& cancelled);

    // Synchronises, gives back what was reserved, and marks the recording as closed in order.
    [[nodiscard]] agent::core::Outcome close();

    // ---- reading

    [[nodiscard]] agent::core::Result<IndexEntry> find(std::uint64_t number) const;
    // Up to `count` of them, fewer when one is damaged.
    [[nodiscard]] std::vector<IndexEntry> entries(std::uint64_t first, std::uint64_t count) const;
    // The blocks among the objects from `first` to below `end`, at most `bytes_max` of them or one.
    // Every block asked for is told of, those that can not be read with an error.
    [[nodiscard]] std::vector<ReadBlock> read(std::uint64_t first, std::uint64_t end,
                                              std::uint64_t bytes_max) const;
    // The block's data when it is in memory and whole; never waits for the disk.
    [[nodiscard]] bool read_at_once(const IndexEntry& entry, virtual_library::Bytes& into) const;
    // The same of neighbours, with what stands between them and unverified: from the first one's
    // data to the end of the last one's.
    [[nodiscard]] bool read_at_once(std::span<const IndexEntry> neighbours,
                                    virtual_library::Bytes& into) const;

  private:
    Recording() = default;

    struct Batch;
    agent::core::Outcome on_every_copy(
        const std::function<agent::core::Outcome(StoredCopy&)>& action);
    agent::core::Outcome write(Batch& batch);
    void write_back_early();
    agent::core::Outcome begin_writing();
    agent::core::Outcome write_commit(IndexCommit commit);
    [[nodiscard]] bool goes_alone() const;
    void begin_epoch(IndexCommit& commit);
    void reconcile(const std::vector<Recovered>& recovered, const OpeningOptions& options);
    void stray(StoredCopy& copy, const StoredCopy& leader, std::uint64_t common);
    [[nodiscard]] std::vector<const StoredCopy*> good_copies() const;
    [[nodiscard]] ReadBlock read_one(const IndexEntry& entry) const;

    Metadata metadata_;
    std::string barcode_;  // as in metadata_, for the threads that read
    std::string protection_;
    std::vector<FileLock> locks_;
    std::vector<std::unique_ptr<StoredCopy>> copies_;
    std::unique_ptr<EarlyWriteback> early_writeback_;  // of copies_; null: nothing to do yet
    IndexCommit commit_;
    RecordedEnd end_;
    bool epoch_begun_ = false;          // since it was opened
    bool unsynchronised_ = false;       // something was written since commit_
    bool description_lacking_ = false;  // in one of the copies, and told
    std::uint64_t writeback_from_ = 0;
    std::uint64_t used_up_to_ = 0;  // of the data files: what is written below goes over older data
    std::uint64_t data_reserved_ = 0;
    std::uint64_t index_reserved_ = 0;
    std::vector<std::string> findings_;
};

}  // namespace drive_iface::cartridge

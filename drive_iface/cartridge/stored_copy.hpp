#pragma once

// One copy of a cartridge: BARCODE.tap and BARCODE.tix in one folder, as they are on disk. Blocks
// its caller; the event loop calls only entry() and read_at_once().

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "drive_iface/cartridge/index_format.hpp"
#include "drive_iface/cartridge/storage_file.hpp"

namespace drive_iface::cartridge {

struct CopyPaths {
    std::string folder;
    std::string data;      // BARCODE.tap
    std::string index;     // BARCODE.tix
    std::string metadata;  // BARCODE.json
    std::string lock;      // BARCODE.lock
};
[[nodiscard]] CopyPaths copy_paths(const std::string& folder, const std::string& barcode);

// One piece of a recording on its way to disk: blocks of one length, or filemarks.
struct RecordedPiece {
    ByteView data;                   // of blocks
    std::uint32_t block_length = 0;  // 0: filemarks
    std::uint32_t filemarks = 0;
    bool in_error = false;  // the block is damaged where it comes from, and is to stay so
};

class StoredCopy {
  public:
    // An empty recording, not synchronised yet. The files must not be there. `closed` as in its
    // commit: false when it is about to be written.
    [[nodiscard]] static agent::core::Result<std::unique_ptr<StoredCopy>> create(
        const CopyPaths& paths, const VolumeId& volume, bool closed);
    // Opens what is there, unverified; a missing index is made, without a header. To be read only
    // where its folder can not be written.
    [[nodiscard]] static agent::core::Result<std::unique_ptr<StoredCopy>> open(
        const CopyPaths& paths, const VolumeId& volume);

    // The newest commit of a copy that may be in use; nothing is made or changed.
    [[nodiscard]] static std::optional<IndexCommit> peek(const CopyPaths& paths,
                                                         const VolumeId& volume);

    [[nodiscard]] const CopyPaths& paths() const { return paths_; }
    [[nodiscard]] const VolumeId& volume() const { return volume_; }
    [[nodiscard]] const StorageFile& data() const { return data_; }
    [[nodiscard]] const StorageFile& index() const { return index_; }

    // ---- index

    // Entries the index file has room for; nothing is said about their worth.
    [[nodiscard]] std::uint64_t entries_there() const;
    [[nodiscard]] agent::core::Result<IndexEntry> entry(std::uint64_t number) const;
    // Up to `count` entries from `first` on, fewer when one of them is not whole.
    [[nodiscard]] std::vector<IndexEntry> entries(std::uint64_t first, std::uint64_t count) const;
    [[nodiscard]] agent::core::Outcome write_entries(std::span<const IndexEntry> entries) const;
    [[nodiscard]] agent::core::Outcome write_header() const;
    // Also synchronises everything else that was written to the index.
    [[nodiscard]] agent::core::Outcome write_commit(const IndexCommit& commit) const;
    // Only writes it: for several copies, which are synchronised together then.
    [[nodiscard]] agent::core::Outcome put_commit(const IndexCommit& commit) const;
    // The newest whole commit; nothing: no header, another volume, or no whole commit.
    [[nodiscard]] std::optional<IndexCommit> newest_commit() const;

    // ---- data

    [[nodiscard]] agent::core::Outcome write_end_marker(std::uint64_t offset) const;
    // Does an object as described stand in the data? `with_sum`: does its checksum agree, too?
    [[nodiscard]] bool has(const IndexEntry& entry, bool with_sum) const;
    [[nodiscard]] TapScanner scan(std::uint64_t offset) const;

    // Can it be written? set_read_only() before anybody else uses it.
    [[nodiscard]] bool writable() const { return writable_; }
    void set_read_only() { writable_ = false; }
    // It holds what was written to it alone, and no other copy has: it is not used, and not
    // replaced.
    [[nodiscard]] bool strays() const { return strays_; }
    void set_straying() {
        strays_ = true;
        set_failed();
    }
    // No longer used after it failed, while another copy goes on.
    [[nodiscard]] bool failed() const { return failed_.load(std::memory_order_acquire); }
    void set_failed() { failed_.store(true, std::memory_order_release); }

    // Sizes the files were given room for; for the thread that stores.
    std::uint64_t data_reserved = 0;
    std::uint64_t index_reserved = 0;

  private:
    StoredCopy(CopyPaths paths, VolumeId volume, StorageFile data, StorageFile index);

    CopyPaths paths_;
    VolumeId volume_;
    StorageFile data_;
    StorageFile index_;
    bool writable_ = true;
    bool strays_ = false;
    std::atomic<bool> failed_ = false;  // set by the thread that stores, read by the event loop
};

}  // namespace drive_iface::cartridge

#pragma once

// The shelf of cartridges that are files in two or more storage folders (docs/CARTRIDGES.md).
//
// All calls come from the event loop's thread, and so do all callbacks. What takes long runs on
// threads of its own.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "drive_iface/cartridge/metadata.hpp"
#include "drive_iface/virtual/cartridge.hpp"
#include "drive_iface/virtual/cleaning_cartridge.hpp"

namespace drive_iface::cartridge {

// Has a function called on the event loop's thread, soon, in order; from any thread:
// asio::post(loop, f).
using RunOnLoop = std::function<void(std::function<void()>)>;

struct ShelfConfiguration {
    std::vector<std::string> folders;  // two or more; made when missing
    // Of cartridges made from now on. Nothing: mirror when the folders are on different devices
    // (st_dev), single otherwise, since two copies on one disk halve the speed and protect nothing.
    std::optional<Placement> placement{};
    std::uint64_t buffer_bytes = 64ULL << 20;  // accepted and not yet stored, of one cartridge
    // A line for the operator: a mirror side failed, a cartridge was mended when it was opened.
    std::function<void(const std::string&)> log{};
};

struct NewCartridge {
    std::string barcode;         // check_barcode()
    std::uint64_t capacity = 0;  // bytes of block data, 1 MiB at least
    bool worm = false;
    bool write_protected = false;
    bool cleaning = false;                                              // `capacity` is 0
    std::uint16_t cleanings = virtual_library::cleanings_of_a_new_one;  // it is good for so many
    std::optional<Placement> placement{};                               // nothing: the shelf's
};

struct CartridgeReport {
    Metadata metadata;
    std::vector<std::string> folders;  // where its copies are
    bool open = false;                 // in a drive, being checked, or being copied
    std::uint64_t objects = 0;         // blocks and filemarks
    std::uint64_t filemarks = 0;
    std::uint64_t used = 0;             // bytes of block data
    std::uint64_t file_bytes = 0;       // what its data files take on disk, all copies
    std::vector<std::string> troubles;  // copies that are missing, unreadable or behind
};

struct CheckReport {
    std::uint64_t objects = 0;
    std::uint64_t filemarks = 0;
    std::uint64_t bytes = 0;            // of block data that was read
    std::uint64_t damaged_blocks = 0;   // whose checksum is wrong in every copy
    std::vector<std::string> findings;  // at most 100 lines; none: all is well
    std::vector<std::string> repairs;   // what was done about them
    bool sound = true;                  // nothing is wrong now (any more)
};

struct JobProgress {
    std::uint64_t bytes_done = 0;
    std::uint64_t bytes_total = 0;
};

struct JobId {
    std::uint64_t value = 0;
    auto operator<=>(const JobId&) const = default;
};

class FileShelf final : public virtual_library::CartridgeShelf {
  public:
    // Makes the folders and reads what is in them. Errors in words for the configuration file's
    // reader: fewer than two folders, the same one twice, one that can not be made or written.
    [[nodiscard]] static agent::core::Result<std::unique_ptr<FileShelf>> start(
        ShelfConfiguration configuration, RunOnLoop run_on_loop);
    // Jobs are cancelled; open cartridges must be gone. Waits until what was given back is closed.
    ~FileShelf() override;

    FileShelf(const FileShelf&) = delete;
    FileShelf& operator=(const FileShelf&) = delete;

    [[nodiscard]] std::vector<Entry> list() const override;
    // `write_protected` and `used` are those of now. A cartridge given back (destroyed) a moment
    // ago is waited for.
    [[nodiscard]] std::optional<agent::core::Result<std::unique_ptr<virtual_library::Cartridge>>>
    open(const std::string& barcode) override;
    void on_progress(std::function<void()> progress) override;

    // Looks at the folders again: an operator may have brought or taken files. Returns what is
    // wrong with files that are no usable cartridge, a line each.
    std::vector<std::string> rescan();
    [[nodiscard]] Placement default_placement() const;

    // In a drive, on its way out of one or into one, or worked on by a job.
    [[nodiscard]] bool is_in_use(const std::string& barcode) const;

    // Files of that name that are no usable cartridge: its description is spoilt or lost. Empty: it
    // is a cartridge, or there is nothing of it.
    [[nodiscard]] std::vector<std::string> unusable_files(const std::string& barcode) const;
    // A whole cartridge whose files were put there since the last rescan(), which takes it up.
    // Until then it is neither shown nor removed: who asks may take it for one that is missing.
    [[nodiscard]] bool came_back(const std::string& barcode) const;

    // ---- for operators. None of them touches a cartridge that is open: error.

    [[nodiscard]] agent::core::Outcome create(const NewCartridge& wanted);
    // The same on a thread, for who opens it next: open() waits for it, and tells when it could not
    // be made. Errors: what is wrong with `wanted`.
    [[nodiscard]] agent::core::Outcome create_to_open(const NewCartridge& wanted);
    // The files are gone for good, those of no usable cartridge too.
    [[nodiscard]] agent::core::Outcome remove(const std::string& barcode);
    [[nodiscard]] agent::core::Result<CartridgeReport> show(const std::string& barcode) const;
    [[nodiscard]] agent::core::Outcome protect(const std::string& barcode, bool write_protected);

    // Jobs: run on a thread of their own, one at a time for a cartridge, which is open meanwhile.
    // `progress` is called a few times a second at most, `done` once, unless the shelf goes first.
    // A cancelled job is done with an error that says so.
    using Progress = std::function<void(const JobProgress&)>;

    // Reads every block of every copy and holds them against the index and each other. With
    // `repair` the index is built anew where it is wrong, damaged blocks are taken from the other
    // copy, and a missing or stale copy is written anew.
    using CheckDone = std::function<void(const agent::core::Result<CheckReport>&)>;
    agent::core::Result<JobId> check(const std::string& barcode, bool repair, Progress progress,
                                     CheckDone done);

    // Makes the new cartridge `wanted` from a SIMH .tap file, which may be what is left of the same
    // cartridge in a folder; no other file of it is replaced. With its index beside it that is only
    // described anew, and then checked and mended. Its capacity is raised to what the file holds.
    // Returns at `done` what was read.
    agent::core::Result<JobId> import_tap(const NewCartridge& wanted, const std::string& path,
                                          Progress progress, CheckDone done);
    // Writes the recording to a new .tap file; damaged blocks are marked in error (bit 31).
    agent::core::Result<JobId> export_tap(const std::string& barcode, const std::string& path,
                                          Progress progress, CheckDone done);
    void cancel(JobId job);

  private:
    class State;
    explicit FileShelf(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace drive_iface::cartridge

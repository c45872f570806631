#pragma once

// Writes the data of a snapshot's sessions to files, each session to one of its own: reads on the
// event loop a little at a time, writes on a thread of somebody else's.

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drive_iface/snapshots/export_file.hpp"
#include "drive_iface/snapshots/snapshot_store.hpp"

namespace drive_iface::snapshots {

enum class ExportFormat : std::uint8_t {
    tap,     // SIMH: blocks with their lengths, and filemarks
    blocks,  // the blocks' data joined; filemarks leave no trace
};
[[nodiscard]] std::string_view to_text(ExportFormat format);
[[nodiscard]] std::optional<ExportFormat> export_format_from_text(std::string_view text);

struct ExportedFile {
    std::uint32_t session = 0;
    std::string path;
    std::uint64_t objects = 0;
    std::uint64_t bytes = 0;           // of blocks
    std::uint64_t damaged_blocks = 0;  // marked in error
};

struct ExportProgress {
    std::uint64_t bytes_done = 0;
    std::uint64_t bytes_total = 0;
};

class SnapshotExport : public std::enable_shared_from_this<SnapshotExport> {
  public:
    using Done = std::function<void(agent::core::Result<std::vector<ExportedFile>>)>;
    struct Wanted {
        Mount what;  // without a session: all that have data
        std::string folder;
        ExportFormat format = ExportFormat::tap;
        // What goes to snapshot-N.json, or snapshot-N-session-M.json.
        std::function<std::string(const std::vector<ExportedFile>&)> description;
    };
    struct Doors {
        SnapshotStore* snapshots = nullptr;  // outlives it
        std::function<void(std::function<void()>)> run_on_loop;
        std::function<void(std::function<void()>)> run_on_bench;  // in order, another thread
        std::function<void(std::function<void()>)> run_later;     // on the loop, in some ms
    };

    SnapshotExport(Wanted wanted, Doors doors, Done done);

    // Done is called later, once; after an error no file of it is left.
    void start();
    void cancel() { cancelled_ = true; }
    // Lets go of everything now and never calls done; what was finished is to be deleted when the
    // bench has come to rest.
    [[nodiscard]] std::vector<std::string> abandon();
    [[nodiscard]] const Wanted& wanted() const { return wanted_; }
    [[nodiscard]] ExportProgress progress() const { return progress_; }

  private:
    void go_on();
    void begin_file();
    void copy();
    void end_file();
    void write_description();
    void fail(const agent::core::Error& error);
    [[nodiscard]] std::vector<std::string> finished_files() const;
    [[nodiscard]] std::string base_name(std::optional<std::uint32_t> session) const;
    // Encoded; nothing: it can not be read, and the format has no way to say so.
    [[nodiscard]] agent::core::Outcome encode(std::uint64_t number, virtual_library::Bytes& into);
    // On the bench, then `then` on the loop unless it failed.
    void on_bench(std::function<agent::core::Outcome()> work, std::function<void()> then);

    Wanted wanted_;
    Doors doors_;
    Done done_;
    std::shared_ptr<void> pin_;
    std::deque<Session> to_do_;
    std::vector<ExportedFile> exported_;
    std::shared_ptr<ExportFile> file_;  // the bench's while it works
    std::unique_ptr<virtual_library::Cartridge> cartridge_;
    std::uint64_t next_ = 0;  // object
    std::size_t writing_ = 0;
    bool reading_ = false;  // go_on() is to come again
    bool cancelled_ = false;
    ExportProgress progress_;
};

}  // namespace drive_iface::snapshots

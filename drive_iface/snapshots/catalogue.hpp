#pragma once

// Snapshots on disk. What is the same in snapshots that follow each other is there once: each
// version of a session's row says from which snapshot to which it was so. Every change is one
// synced transaction: after a crash all of it is there, or nothing.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "drive_iface/snapshots/snapshots.hpp"

namespace agent::runtime {
class Database;
}

namespace drive_iface::snapshots {

// A snapshot, or one session of it, as a volume in the library.
struct Mount {
    std::uint32_t number = 0;
    std::optional<std::uint32_t> session;
    bool operator==(const Mount&) const = default;
};

class Catalogue {
  public:
    // Errors: the file can not be used, or is none.
    [[nodiscard]] static agent::core::Result<std::unique_ptr<Catalogue>> open(
        const std::string& file);
    ~Catalogue();

    // By number.
    [[nodiscard]] const std::map<std::uint32_t, Snapshot>& snapshots() const { return snapshots_; }
    // The highest place in the order of completion that a snapshot has seen, removed ones too.
    [[nodiscard]] std::uint64_t last_completion() const { return last_completion_; }
    // Is this what the newest snapshot says?
    [[nodiscard]] bool is_newest(std::span<const Session> rows) const;
    [[nodiscard]] agent::core::Result<std::vector<Session>> sessions(std::uint32_t number) const;

    // Sessions whose data some snapshot refers to, and the most bytes one says they have.
    struct Reference {
        std::size_t versions = 0;
        std::uint64_t bytes = 0;
    };
    [[nodiscard]] const std::map<std::uint32_t, Reference>& references() const {
        return references_;
    }
    [[nodiscard]] std::size_t versions() const { return versions_; }

    // `rows` in order of identifier. The number of `snapshot` and what it counts are filled in.
    [[nodiscard]] agent::core::Result<Snapshot> add(Snapshot snapshot,
                                                    std::span<const Session> rows);
    [[nodiscard]] agent::core::Outcome remove(std::span<const std::uint32_t> numbers);
    // Whether it is kept, by whom and why.
    [[nodiscard]] agent::core::Outcome save(const Snapshot& snapshot);

    // By slot.
    [[nodiscard]] const std::map<std::size_t, Mount>& mounts() const { return mounts_; }
    [[nodiscard]] agent::core::Outcome mount(std::size_t slot, const Mount& mount);
    [[nodiscard]] agent::core::Outcome unmount(std::size_t slot);

  private:
    struct Dropped {
        std::size_t versions = 0;
        std::map<std::uint32_t, std::size_t> with_data;  // by session
    };
    explicit Catalogue(std::unique_ptr<agent::runtime::Database> database);
    [[nodiscard]] agent::core::Outcome load();
    [[nodiscard]] agent::core::Outcome load_snapshots();
    [[nodiscard]] agent::core::Outcome load_newest();
    [[nodiscard]] agent::core::Outcome load_references();
    [[nodiscard]] agent::core::Outcome load_mounts();
    [[nodiscard]] agent::core::Result<std::int64_t> counter(const char* name) const;
    [[nodiscard]] agent::core::Outcome write(const Snapshot& snapshot);
    [[nodiscard]] agent::core::Outcome write_changes(std::uint32_t number,
                                                     std::span<const SessionDifference> changes);
    [[nodiscard]] agent::core::Outcome drop(std::uint32_t number,
                                            std::optional<std::uint32_t> before,
                                            std::optional<std::uint32_t> after, Dropped& dropped);

    std::unique_ptr<agent::runtime::Database> database_;
    std::map<std::uint32_t, Snapshot> snapshots_;
    std::vector<Session> newest_;  // rows that are still so
    std::map<std::uint32_t, Reference> references_;
    std::size_t versions_ = 0;
    std::uint64_t last_completion_ = 0;
    std::map<std::size_t, Mount> mounts_;
};

// Does a row have data that can be opened, as far as the row tells?
[[nodiscard]] inline bool has_data(const Session& session) {
    return session.kept && session.objects > 0;
}

}  // namespace drive_iface::snapshots

#pragma once

// Snapshots of the running library: takes them, keeps them on disk, holds the data they refer to,
// and lets go of what has been there long enough.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "drive_iface/snapshots/catalogue.hpp"
#include "drive_iface/snapshots/retention.hpp"
#include "drive_iface/snapshots/session_openings.hpp"
#include "drive_iface/snapshots/snapshots.hpp"

namespace drive_iface::snapshots {

struct SnapshotStoreOptions {
    std::string file;
    std::int64_t every_minutes = 0;  // 0: none periodically
    bool on_completion = true;
    Retention retention;
    std::size_t kept_max = 1'000;
    std::size_t versions_max = 200'000;   // rows of sessions on disk
    std::string media_identifier = "L8";  // behind the names of volumes
    std::size_t mounts_max = 8;
    std::function<std::int64_t()> now_ms;  // since 1970 UTC
    std::function<void(const std::string&)> log;
};

class SnapshotStore final : public Snapshots {
  public:
    // Holds what the snapshots on disk refer to, and only then allows `tracking`, which outlives
    // it, to delete anything. Errors: the file can not be used.
    [[nodiscard]] static agent::core::Result<std::unique_ptr<SnapshotStore>> start(
        SnapshotStoreOptions options, sessions::Tracking& tracking);
    ~SnapshotStore() override;

    // What time brings: periodic snapshots, retention by age. To be called a few times a minute.
    void tick();

    // A mounted snapshot is a volume of the library: "SN0012L8", or "SN0012S3L8" for session 3 of
    // it. It is not removed before it is unmounted. Slots count from 0.
    struct Mounted {
        std::size_t slot = 0;
        std::string volume;
        Mount mount;
    };
    [[nodiscard]] std::vector<Mounted> mounted() const;
    [[nodiscard]] agent::core::Result<Mounted> mount(std::uint32_t number,
                                                     std::optional<std::uint32_t> session);
    [[nodiscard]] agent::core::Outcome unmount(const std::string& volume);
    // Nobody removes it as long as the token lives.
    [[nodiscard]] std::shared_ptr<void> pin(std::uint32_t number);
    [[nodiscard]] std::size_t mounts_max() const { return options_.mounts_max; }

    // Snapshots
    std::vector<Snapshot> list() const override;
    std::optional<Snapshot> show(std::uint32_t number) const override;
    agent::core::Result<std::vector<Session>> sessions(std::uint32_t number) const override;
    agent::core::Result<std::vector<SessionRecord>> records(std::uint32_t number,
                                                            std::uint32_t session,
                                                            std::uint64_t first,
                                                            std::uint64_t count) const override;
    agent::core::Result<SnapshotDifference> diff(std::uint32_t a, std::uint32_t b) const override;
    agent::core::Result<Snapshot> take(const std::string& by, const std::string& reason) override;
    agent::core::Result<Snapshot> keep(std::uint32_t number, const std::string& by,
                                       const std::string& reason) override;
    agent::core::Result<Snapshot> unkeep(std::uint32_t number, const std::string& by) override;
    agent::core::Outcome remove(std::uint32_t number, const std::string& by,
                                const std::string& reason) override;
    std::optional<agent::core::Result<std::unique_ptr<virtual_library::Cartridge>>> open(
        std::uint32_t number, std::optional<std::uint32_t> session) override;
    std::shared_ptr<void> listen(Listener listener) override;

  private:
    SnapshotStore(SnapshotStoreOptions options, sessions::Tracking& tracking,
                  std::unique_ptr<Catalogue> catalogue);
    void completed(const Session& session);
    [[nodiscard]] agent::core::Result<Snapshot> take(Snapshot snapshot,
                                                     const std::vector<Session>& rows);
    // Whatever was to be done about it was done, or is told.
    void take_or_log(const Snapshot& snapshot, const std::vector<Session>& rows);
    void hold_what_is_referred_to();
    void let_go_of_old();
    void remove_because(const std::vector<std::uint32_t>& numbers, const std::string& why);
    [[nodiscard]] bool make_room();
    [[nodiscard]] std::set<std::uint32_t> in_use() const;
    [[nodiscard]] std::uint64_t bytes_referred_to() const;
    void tell(SnapshotChange::Kind kind, const Snapshot& snapshot, const std::string& by,
              const std::string& why);

    SnapshotStoreOptions options_;
    sessions::Tracking* tracking_;
    std::unique_ptr<Catalogue> catalogue_;
    SessionOpenings openings_;
    std::set<std::uint32_t> held_;
    std::set<std::uint32_t> missing_;  // referred to, and their data is gone
    std::map<std::uint32_t, std::weak_ptr<void>> pins_;
    std::optional<std::int64_t> next_ms_;  // periodic
    std::vector<std::weak_ptr<Listener>> listeners_;
    std::shared_ptr<void> listening_;
};

// "SN0012L8", "SN0012S3L8".
[[nodiscard]] std::string volume_name(const Mount& mount, const std::string& media_identifier);
// Names that begin with "SN" and a digit are the library's own.
[[nodiscard]] bool is_snapshot_barcode(std::string_view barcode);

}  // namespace drive_iface::snapshots

#pragma once

// A node's own copy of what a pair shares of drives that are forced offline, and what follows when
// it is compared with the shared rows. Pure: who stores and asks is shared_records.hpp.
//
// A mark is made when a drive is found forced offline that has none, and ended when the drive is
// found online. What the drive is, is recorded first, so that a crash in between leads to a mark
// too many, which keeps a drive offline, and never to one too few.
//
// Drives that are not configured here have no say: their rows are left alone until they are.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/core/reservation_agent_io.hpp"
#include "agent/postgres/offline_marks.hpp"

namespace agent::lrad {

struct LocalMark {
    postgres::OfflineMark mark;
    bool told = false;  // the shared row says the same
    bool operator==(const LocalMark&) const = default;
};

// What the rows want of a drive.
struct OfflineWish {
    core::DriveSerial drive;
    bool forced = false;
    std::string node;    // forced: by which
    std::string reason;  // forced: why; else who has cleared it, and why
    bool again = false;  // forced: for this now, since what it was offline for has ended
    bool operator==(const OfflineWish&) const = default;
};

class OfflineLedger {
  public:
    explicit OfflineLedger(std::string node) : node_(std::move(node)) {}

    void recall(const core::DriveSerial& drive, std::vector<LocalMark> marks);
    [[nodiscard]] const std::vector<LocalMark>& marks_of(const core::DriveSerial& drive) const;

    // How the drive is recorded. True: its marks have changed and have to be kept. `by`: who has
    // brought it online, and why, as far as that is known.
    bool follow(const core::DriveRecord& drive, const std::string& by, core::WallTime now);
    // The same at a start. A drive that is online although its mark is open is not taken for one
    // that was cleared: its record may be a new one. The rows make it offline again.
    bool follow_at_start(const core::DriveRecord& drive, core::WallTime now);
    // A drive that was being brought back is forced offline after all.
    void forced_anew(const core::DriveSerial& drive) { lifting_.erase(drive); }
    // This node begins to serve: it forces the drive offline for reasons of its own from now on.
    // So an end that the other node has not told yet can not lift it.
    bool serve(const core::DriveRecord& drive, core::WallTime now);

    // To be put into the shared rows.
    [[nodiscard]] std::vector<postgres::OfflineMark> untold() const;
    [[nodiscard]] bool is_told(const core::DriveSerial& drive) const;
    // True: something has changed.
    bool told(const postgres::OfflineMark& mark);
    // Those whose rows are wanted, whether they have ended or not.
    [[nodiscard]] std::vector<std::string> open_ids() const;

    // What differs between the rows and what the drives, all that are configured, are recorded to
    // be. What this node has not told yet counts as said. Then the drives are made so, and adopt()
    // takes the rows over, with the drives as they are recorded by then.
    [[nodiscard]] std::vector<OfflineWish> compare(
        const std::vector<postgres::OfflineMark>& rows,
        const std::vector<core::DriveRecord>& drives) const;
    // Drives whose marks have changed.
    std::vector<core::DriveSerial> adopt(const std::vector<postgres::OfflineMark>& rows,
                                         const std::vector<core::DriveRecord>& drives);

  private:
    [[nodiscard]] bool is_held(const core::DriveSerial& drive) const;
    [[nodiscard]] std::optional<OfflineWish> wish_of(
        const core::DriveRecord& drive, const std::vector<postgres::OfflineMark>& rows) const;
    void add_mark(const core::DriveRecord& drive, core::WallTime now);
    [[nodiscard]] bool adopt_row(const postgres::OfflineMark& row);

    std::string node_;
    std::map<core::DriveSerial, std::vector<LocalMark>> marks_;
    // Cleared by the other node, and recorded as forced offline until the actuator has answered.
    std::set<core::DriveSerial> lifting_;
};

}  // namespace agent::lrad

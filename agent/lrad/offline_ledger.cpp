#include "agent/lrad/offline_ledger.hpp"

#include <algorithm>
#include <utility>

namespace agent::lrad {

using core::DriveSerial;
using postgres::OfflineMark;

namespace {

// Ended marks of a drive that the other node has not heard of yet; more than that is not kept.
constexpr std::size_t marks_of_drive_max = 32;

bool is_open(const LocalMark& local) {
    return !local.mark.ended_at;
}

bool is_recorded_offline(const core::DriveRecord& drive) {
    return drive.operational_state != core::OperationalState::online;
}

// What has ended and is told is of no use any more.
void forget_what_is_over(std::vector<LocalMark>& marks) {
    std::erase_if(marks, [](const LocalMark& one) { return !is_open(one) && one.told; });
    while (marks.size() > marks_of_drive_max)
        marks.erase(marks.begin());
}

}  // namespace

void OfflineLedger::recall(const DriveSerial& drive, std::vector<LocalMark> marks) {
    marks_[drive] = std::move(marks);
}

const std::vector<LocalMark>& OfflineLedger::marks_of(const DriveSerial& drive) const {
    static const std::vector<LocalMark> none;
    const auto found = marks_.find(drive);
    return found == marks_.end() ? none : found->second;
}

bool OfflineLedger::is_held(const DriveSerial& drive) const {
    const auto& marks = marks_of(drive);
    return std::any_of(marks.begin(), marks.end(), is_open);
}

void OfflineLedger::add_mark(const core::DriveRecord& drive, core::WallTime now) {
    auto& marks = marks_[drive.drive];
    OfflineMark mark;
    // The clock of one node may go back; the serial and the count keep ids apart.
    std::size_t count = 0;
    do {
        mark.id = node_ + ":" + drive.drive.text + ":" + std::to_string(now.ms) + ":" +
                  std::to_string(count++);
    } while (std::any_of(marks.begin(), marks.end(),
                         [&](const auto& one) { return one.mark.id == mark.id; }));
    mark.drive = drive.drive.text;
    mark.since = now;
    mark.reason = drive.offline_reason;
    mark.node = node_;
    marks.push_back({std::move(mark), false});
    forget_what_is_over(marks);
}

bool OfflineLedger::follow(const core::DriveRecord& drive, const std::string& by,
                           core::WallTime now) {
    const bool forced = is_recorded_offline(drive);
    if (!forced) lifting_.erase(drive.drive);
    if (lifting_.contains(drive.drive)) return false;
    if (forced == is_held(drive.drive)) return false;
    if (forced) {
        add_mark(drive, now);
        return true;
    }
    auto& marks = marks_[drive.drive];
    for (auto& local : marks) {
        if (!is_open(local)) continue;
        local.mark.ended_at = now;
        local.mark.ended_by = by;
        local.told = false;
    }
    forget_what_is_over(marks);
    return true;
}

bool OfflineLedger::follow_at_start(const core::DriveRecord& drive, core::WallTime now) {
    return is_recorded_offline(drive) && follow(drive, "", now);
}

bool OfflineLedger::serve(const core::DriveRecord& drive, core::WallTime now) {
    if (!is_recorded_offline(drive) || lifting_.contains(drive.drive)) return false;
    const auto& marks = marks_of(drive.drive);
    // Nobody else knows of it, so nobody can have ended it.
    if (std::any_of(marks.begin(), marks.end(),
                    [](const auto& one) { return is_open(one) && !one.told; }))
        return false;
    if (marks.size() >= marks_of_drive_max) return false;
    add_mark(drive, now);
    return true;
}

std::vector<OfflineMark> OfflineLedger::untold() const {
    std::vector<OfflineMark> found;
    for (const auto& [drive, marks] : marks_) {
        for (const auto& local : marks) {
            if (!local.told) found.push_back(local.mark);
        }
    }
    return found;
}

bool OfflineLedger::is_told(const DriveSerial& drive) const {
    const auto& marks = marks_of(drive);
    return std::all_of(marks.begin(), marks.end(), [](const auto& one) { return one.told; });
}

bool OfflineLedger::told(const OfflineMark& mark) {
    const auto found = marks_.find({mark.drive});
    if (found == marks_.end()) return false;
    for (auto& local : found->second) {
        // It may have ended since it was put.
        if (local.mark != mark || local.told) continue;
        local.told = true;
        forget_what_is_over(found->second);
        return true;
    }
    return false;
}

std::vector<std::string> OfflineLedger::open_ids() const {
    std::vector<std::string> ids;
    for (const auto& [drive, marks] : marks_) {
        for (const auto& local : marks) {
            if (is_open(local)) ids.push_back(local.mark.id);
        }
    }
    return ids;
}

std::optional<OfflineWish> OfflineLedger::wish_of(const core::DriveRecord& drive,
                                                  const std::vector<OfflineMark>& rows) const {
    const auto& marks = marks_of(drive.drive);
    const OfflineMark* open = nullptr;  // it stays offline whatever else has ended
    bool is_open_still = false;         // what it is offline for here
    const OfflineMark* ended = nullptr;
    std::set<std::string> seen;
    for (const auto& row : rows) {
        if (row.drive != drive.drive.text) continue;
        seen.insert(row.id);
        const auto local = std::find_if(marks.begin(), marks.end(),
                                        [&](const auto& one) { return one.mark.id == row.id; });
        const bool known = local != marks.end();
        const bool open_here = known && is_open(*local);
        if (!row.ended_at && (open_here || !known)) open = &row;  // else not told yet
        if (!row.ended_at && open_here) is_open_still = true;
        if (row.ended_at && open_here) ended = &row;
    }
    for (const auto& local : marks) {
        if (!is_open(local) || seen.contains(local.mark.id)) continue;
        if (open == nullptr) open = &local.mark;
        is_open_still = true;
    }
    const bool offline = is_recorded_offline(drive) && !lifting_.contains(drive.drive);
    if (open != nullptr && !offline)
        return OfflineWish{drive.drive, true, open->node, open->reason};
    if (open != nullptr && ended != nullptr && !is_open_still)
        return OfflineWish{drive.drive, true, open->node, open->reason, true};
    if (open == nullptr && ended != nullptr && offline)
        return OfflineWish{drive.drive, false, ended->node, ended->ended_by};
    return std::nullopt;
}

std::vector<OfflineWish> OfflineLedger::compare(
    const std::vector<OfflineMark>& rows, const std::vector<core::DriveRecord>& drives) const {
    std::vector<OfflineWish> wishes;
    for (const auto& drive : drives) {
        if (auto wish = wish_of(drive, rows)) wishes.push_back(std::move(*wish));
    }
    return wishes;
}

bool OfflineLedger::adopt_row(const OfflineMark& row) {
    auto& marks = marks_[{row.drive}];
    const auto known = std::find_if(marks.begin(), marks.end(),
                                    [&](const auto& one) { return one.mark.id == row.id; });
    if (known == marks.end()) {
        if (row.ended_at) return false;
        marks.push_back({row, true});
    } else if (row.ended_at && (is_open(*known) || !known->told)) {
        known->mark = row;
        known->told = true;
    } else if (is_open(*known) && !known->told) {
        known->told = true;
    } else {
        return false;
    }
    forget_what_is_over(marks);
    return true;
}

std::vector<DriveSerial> OfflineLedger::adopt(const std::vector<OfflineMark>& rows,
                                              const std::vector<core::DriveRecord>& drives) {
    std::vector<DriveSerial> touched;
    for (const auto& drive : drives) {
        const bool held = is_held(drive.drive);
        bool changed = false;
        for (const auto& row : rows) {
            if (row.drive == drive.drive.text && adopt_row(row)) changed = true;
        }
        if (!changed) continue;
        touched.push_back(drive.drive);
        if (held && !is_held(drive.drive) && is_recorded_offline(drive))
            lifting_.insert(drive.drive);
        if (is_held(drive.drive)) lifting_.erase(drive.drive);
    }
    return touched;
}

}  // namespace agent::lrad

#include "agent/lrad/offline_ledger.hpp"

#include <algorithm>
#include <set>
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

const LocalMark* OfflineLedger::find(const OfflineMark& row) const {
    for (const auto& local : marks_of({row.drive})) {
        if (local.mark.id == row.id) return &local;
    }
    return nullptr;
}

bool OfflineLedger::follow(const core::DriveRecord& drive, const std::string& by,
                           core::WallTime now) {
    const bool forced = drive.operational_state != core::OperationalState::online;
    if (forced == is_held(drive.drive)) return false;
    auto& marks = marks_[drive.drive];
    if (forced) {
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
    } else {
        for (auto& local : marks) {
            if (!is_open(local)) continue;
            local.mark.ended_at = now;
            local.mark.ended_by = by;
            local.told = false;
        }
    }
    forget_what_is_over(marks);
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

std::vector<OfflineWish> OfflineLedger::compare(const std::vector<OfflineMark>& rows) const {
    std::map<DriveSerial, OfflineWish> wishes;
    std::set<DriveSerial> stay;  // forced offline whatever else has ended
    for (const auto& [drive, marks] : marks_) {
        for (const auto& local : marks) {
            if (!is_open(local)) continue;
            const auto row = std::find_if(rows.begin(), rows.end(),
                                          [&](const auto& one) { return one.id == local.mark.id; });
            const bool ended = row != rows.end() && row->ended_at;
            if (!ended) stay.insert(drive);
            if (ended) wishes[drive] = {drive, false, row->node, row->ended_by};
        }
    }
    for (const auto& row : rows) {
        if (row.ended_at) continue;
        const DriveSerial drive{row.drive};
        const auto* local = find(row);
        if (local != nullptr) continue;  // open here too, or ended here and not told yet
        stay.insert(drive);
        if (!is_held(drive)) wishes[drive] = {drive, true, row.node, row.reason};
    }
    std::vector<OfflineWish> all;
    for (auto& [drive, wish] : wishes) {
        if (wish.forced || !stay.contains(drive)) all.push_back(std::move(wish));
    }
    return all;
}

std::vector<DriveSerial> OfflineLedger::adopt(const std::vector<OfflineMark>& rows) {
    std::set<DriveSerial> touched;
    for (const auto& row : rows) {
        const DriveSerial drive{row.drive};
        auto& marks = marks_[drive];
        const auto known = std::find_if(marks.begin(), marks.end(),
                                        [&](const auto& one) { return one.mark.id == row.id; });
        if (known == marks.end()) {
            if (row.ended_at) continue;
            marks.push_back({row, true});
            touched.insert(drive);
        } else if (row.ended_at && (is_open(*known) || !known->told)) {
            known->mark = row;
            known->told = true;
            touched.insert(drive);
        } else if (is_open(*known) && !known->told) {
            known->told = true;
            touched.insert(drive);
        }
        forget_what_is_over(marks);
    }
    return {touched.begin(), touched.end()};
}

}  // namespace agent::lrad

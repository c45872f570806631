#include "agent/mounts/table_memory.hpp"

#include <algorithm>
#include <utility>

namespace agent::mounts {

using claims::Claim;
using claims::DriveRow;
using claims::Volume;

std::vector<DriveRow> usable_drives(std::vector<DriveRow> drives, const OccupiedDrives& occupied) {
    for (const auto& [barcode, serial] : occupied) {
        for (auto& row : drives) {
            if (row.serial == serial && row.state == claims::DriveState::free)
                row.state = claims::DriveState::mounted;
        }
    }
    return drives;
}

void TableMemory::forget() {
    *this = {};
}

void TableMemory::see_all_drives(std::vector<DriveRow> drives, OccupiedDrives occupied,
                                 std::uint64_t next_id) {
    all_drives_ = true;
    drives_ = std::move(drives);
    occupied_ = std::move(occupied);
    next_id_ = next_id;
}

void TableMemory::see(const DriveRow& drive) {
    for (auto& row : drives_) {
        if (row.serial == drive.serial) row = drive;
    }
}

void TableMemory::see(const Volume& volume) {
    if (volume.place == claims::Place::drive && volume.drive) {
        occupied_[volume.barcode] = *volume.drive;
    } else {
        occupied_.erase(volume.barcode);
    }
    if (volumes_.size() < volumes_max || volumes_.contains(volume.barcode))
        volumes_.insert_or_assign(volume.barcode, volume);
}

void TableMemory::see(const Claim& claim) {
    next_id_ = std::max(next_id_, claim.id + 1);
    if (claim.state == claims::ClaimState::ended) {
        open_claims_.erase(claim.id);
    } else {
        open_claims_.insert_or_assign(claim.id, claim);
    }
}

std::optional<DriveRow> TableMemory::drive(const std::string& serial) const {
    for (const auto& row : drives_) {
        if (row.serial == serial) return row;
    }
    return std::nullopt;
}

std::optional<Volume> TableMemory::volume(const std::string& barcode) const {
    const auto found = volumes_.find(barcode);
    if (found == volumes_.end()) return std::nullopt;
    return found->second;
}

std::optional<Claim> TableMemory::open_claim(std::uint64_t id) const {
    const auto found = open_claims_.find(id);
    if (found == open_claims_.end()) return std::nullopt;
    return found->second;
}

std::optional<TableSeen> TableMemory::seen_for_new(const std::string& request,
                                                   const std::string& barcode) const {
    auto volume_seen = volume(barcode);
    if (!all_drives_ || !volume_seen) return std::nullopt;
    for (const auto& [id, claim] : open_claims_) {
        if (claim.request == request || claim.volume == barcode) return std::nullopt;
    }
    TableSeen seen;
    seen.volume = std::move(volume_seen);
    seen.drives = drives_;
    seen.usable = usable_drives(drives_, occupied_);
    seen.next_id = next_id_;
    return seen;
}

}  // namespace agent::mounts

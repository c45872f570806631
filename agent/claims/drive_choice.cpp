#include "agent/claims/drive_choice.hpp"

#include <algorithm>
#include <tuple>

namespace agent::claims {

namespace {

bool contains(const std::vector<std::string>& list, const std::string& text) {
    return std::find(list.begin(), list.end(), text) != list.end();
}

DriveCondition condition_of(const std::string& serial, const std::vector<KnownDrive>& known) {
    for (const auto& drive : known) {
        if (drive.serial == serial) return drive.condition;
    }
    return DriveCondition::no_path;
}

// Counts why the drive is passed over; nothing stands against it when the answer is true.
bool is_candidate(const DriveWish& wish, const DriveRow& drive, DriveCondition condition,
                  DriveCounts& counts) {
    switch (drive.state) {
        case DriveState::free:
            break;
        case DriveState::quarantined:
            ++counts.quarantined;
            return false;
        case DriveState::claimed:
        case DriveState::reserved:
        case DriveState::loading:
        case DriveState::mounted:
        case DriveState::unloading:
            ++counts.busy;
            return false;
    }
    switch (condition) {
        case DriveCondition::usable:
            break;
        case DriveCondition::no_path:
            ++counts.no_path;
            return false;
        case DriveCondition::offline:
            ++counts.offline;
            return false;
        case DriveCondition::reserved_other:
            ++counts.reserved_other;
            return false;
    }
    if (contains(wish.not_these, drive.serial)) {
        ++counts.tried;
        return false;
    }
    return true;
}

auto rank_of(const DriveWish& wish, const DriveRow& drive) {
    const auto preferred = static_cast<std::size_t>(
        std::find(wish.affinity.begin(), wish.affinity.end(), drive.serial) -
        wish.affinity.begin());
    const bool own_generation = drive.generation == wish.generation;
    const std::uint32_t distance = drive.element > wish.from
                                       ? std::uint32_t{drive.element} - wish.from
                                       : std::uint32_t{wish.from} - drive.element;
    return std::tuple(preferred, own_generation ? 0 : 1, drive.last_used, drive.errors, distance,
                      drive.serial);
}

void add_part(std::string& text, std::size_t count, const char* what) {
    if (count == 0) return;
    text += (text.ends_with(':') ? " " : ", ") + std::to_string(count) + " " + what;
}

}  // namespace

DriveChoice choose_drive(const DriveWish& wish, const std::vector<DriveRow>& drives,
                         const std::vector<KnownDrive>& known, const MediaTable& media) {
    DriveChoice choice;
    const DriveRow* best = nullptr;
    for (const auto& drive : drives) {
        if (!suffices(reach_of(media, drive.generation, wish.generation), wish.access)) continue;
        ++choice.counts.fitting;
        if (!is_candidate(wish, drive, condition_of(drive.serial, known), choice.counts)) continue;
        if (best == nullptr || rank_of(wish, drive) < rank_of(wish, *best)) best = &drive;
    }
    if (best != nullptr) choice.serial = best->serial;
    return choice;
}

std::string to_text(const DriveCounts& counts) {
    std::string text =
        std::to_string(counts.fitting) + (counts.fitting == 1 ? " drive fits:" : " drives fit:");
    add_part(text, counts.busy, "busy");
    add_part(text, counts.offline, "offline");
    add_part(text, counts.quarantined, "quarantined");
    add_part(text, counts.reserved_other, "reserved by another host");
    add_part(text, counts.no_path, "without a path from this controller");
    add_part(text, counts.tried, "tried already");
    if (text.ends_with(':')) text.pop_back();
    return text;
}

}  // namespace agent::claims

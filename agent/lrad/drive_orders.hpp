#pragma once

// What each drive was last told to be, offline for everyone or back, from the order until its
// actuator's answer. An actuator may answer an older order after a newer one was given.

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <variant>

#include "agent/core/reservation_agent_io.hpp"

namespace agent::lrad {

using DriveOrder = std::variant<core::ForceDriveOffline, core::LiftDriveOffline>;

class DriveOrders {
  public:
    // Takes the place of whatever the drive was told before. The number is for answered().
    std::uint64_t give(const core::DriveSerial& drive, DriveOrder order) {
        newest_.insert_or_assign(drive, Entry{std::move(order), ++number_, false});
        return number_;
    }
    // The same, kept back until release(): the drive can not be told yet.
    void keep_back(const core::DriveSerial& drive, DriveOrder order) {
        newest_.insert_or_assign(drive, Entry{std::move(order), ++number_, true});
    }
    void answered(const core::DriveSerial& drive, std::uint64_t number) {
        const auto found = newest_.find(drive);
        if (found != newest_.end() && found->second.number == number) newest_.erase(found);
    }

    // The order that was kept back for this drive, if there is one; it is forgotten here.
    [[nodiscard]] std::optional<DriveOrder> release(const core::DriveSerial& drive) {
        const auto found = newest_.find(drive);
        if (found == newest_.end() || !found->second.kept_back) return std::nullopt;
        return take(drive);
    }
    [[nodiscard]] std::map<core::DriveSerial, DriveOrder> release_all() {
        std::map<core::DriveSerial, DriveOrder> orders;
        for (auto entry = newest_.begin(); entry != newest_.end();) {
            const auto next = std::next(entry);
            if (entry->second.kept_back)
                orders.emplace(entry->first, std::move(newest_.extract(entry).mapped().order));
            entry = next;
        }
        return orders;
    }

    // What the drive is to be told by another actuator, since the one that was told is gone.
    [[nodiscard]] std::optional<DriveOrder> take(const core::DriveSerial& drive) {
        auto entry = newest_.extract(drive);
        if (!entry) return std::nullopt;
        return std::move(entry.mapped().order);
    }
    [[nodiscard]] bool is_open(const core::DriveSerial& drive) const {
        return newest_.contains(drive);
    }

  private:
    struct Entry {
        DriveOrder order;
        std::uint64_t number = 0;
        bool kept_back = false;
    };
    std::map<core::DriveSerial, Entry> newest_;
    std::uint64_t number_ = 0;
};

}  // namespace agent::lrad

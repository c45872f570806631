#pragma once

// One claim while this controller works on it. Inside this room only.

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/mounts/mount_service.hpp"

namespace agent::mounts {

// For people.
inline std::string of_claim(const claims::Claim& claim) {
    return "claim " + std::to_string(claim.id);
}

struct MountService::Run {
    explicit Run(asio::io_context& loop) : deadline(loop), pause(loop) {}

    claims::Claim claim;
    std::string step;  // for people
    std::vector<MountCallback> waiters;
    std::vector<MountCallback> unmounters;
    bool working = false;      // steps are under way; else it is in line or mounted
    bool withdrawn = false;    // cancelled, or too late; told at the end of the step under way
    bool handed_over = false;  // it was mounted: a host may have it
    bool decided = false;      // how it ends is: a recovery on the way there changes nothing of it
    ClaimRelease ending;
    std::string failure;  // of the mount, in words
    std::string judged;   // by the last recovery, in words
    bool try_another = false;
    core::Instant ready_until;
    std::optional<core::Instant> until;  // its deadline, by a clock that nobody sets
    core::WallTime until_of;             // the deadline that was
    asio::steady_timer deadline;
    asio::steady_timer pause;
};

// What the desk made of a request.
struct MountService::Taken {
    Taken() = default;
    explicit Taken(core::Error error) : trouble(std::move(error)) {}

    core::Outcome trouble = core::Nothing{};
    std::optional<ClaimBegun> begun;        // without a drive
    std::optional<claims::Claim> reserved;  // the drive is ours
    std::optional<claims::Claim> ended;     // gave a drive back, and goes no further
    std::vector<std::string> failures;      // "drive SERIAL: why"
    std::vector<std::string> quarantined;   // serials
    std::string volume_quarantined;         // why
};

template <typename Value>
void MountService::at_desk(std::function<Value(ClaimTable&)> work,
                           std::function<void(const Value&)> then) {
    const std::weak_ptr<MountService> weak = weak_from_this();
    const bool begun = desk_->post([this, weak, work = std::move(work), then] {
        // The desk is a member and its thread ends before it does.
        auto value = std::make_shared<Value>(work(*table_));
        asio::post(loop_, [weak, value, then] {
            const auto self = weak.lock();
            if (self && !self->stopped_) then(*value);
        });
    });
    if (begun || stopped_) return;
    asio::post(loop_, [weak, then] {
        const auto self = weak.lock();
        if (self && !self->stopped_)
            then(Value(core::Error{"too many requests wait for the drive table; try again later"}));
    });
}

}  // namespace agent::mounts

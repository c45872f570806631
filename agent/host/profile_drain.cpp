#include "agent/host/profile_drain.hpp"

#include <utility>

namespace agent::host {

using core::ApplicationAction;
using core::ApplicationDriveState;

namespace {

constexpr core::Duration told_again_within{30'000};

}  // namespace

void DrainMemory::acted(const core::DriveSerial& drive, ApplicationAction action,
                        const ReadAnswer& said, core::Instant now) {
    if (action == ApplicationAction::query) return;
    if (action == ApplicationAction::set_offline && said.kind == AnswerKind::busy) {
        refused_[drive] = {now, said.how};
        // Asked for a look right now: what it was before counts no more.
        const auto drain = draining_.find(drive);
        if (drain != draining_.end()) drain->second.looked_at = {};
        return;
    }
    refused_.erase(drive);
    draining_.erase(drive);
}

ReadState DrainMemory::seen(const core::DriveSerial& drive, ReadState read, core::Instant now,
                            core::Duration poll, core::Duration limit) {
    // An operator may have asked, who does not ask again.
    std::erase_if(refused_, [&](const auto& one) {
        return now - one.second.at > core::Duration{2 * poll.ms + told_again_within.ms};
    });
    const auto refused = refused_.find(drive);
    if (read.state == ApplicationDriveState::online && refused != refused_.end()) {
        read.state = ApplicationDriveState::draining;
        read.say_again = true;
        read.how +=
            "; it refuses to take it offline as long as it is busy: " + refused->second.words;
    }
    if (read.state == ApplicationDriveState::offline) refused_.erase(drive);
    if (read.state != ApplicationDriveState::draining) {
        if (read.state != ApplicationDriveState::unknown) draining_.erase(drive);
        return read;
    }
    const auto [drain, fresh] = draining_.try_emplace(drive, Drain{now, now, read});
    drain->second.looked_at = now;
    drain->second.last = read;
    const core::Duration lasted = now - drain->second.since;
    if (limit.ms > 0 && lasted.ms >= limit.ms) {
        read.state = ApplicationDriveState::unknown;
        read.say_again = false;
        read.how = "draining for " + std::to_string(lasted.ms / 1'000) +
                   " s, which is longer than application.drain_limit_ms: " + read.how;
    }
    return read;
}

std::optional<ReadState> DrainMemory::seen_lately(const core::DriveSerial& drive, core::Instant now,
                                                  core::Duration poll) const {
    const auto drain = draining_.find(drive);
    if (drain == draining_.end() || drain->second.looked_at == core::Instant{}) return std::nullopt;
    if (now - drain->second.looked_at >= poll) return std::nullopt;
    return drain->second.last;
}

}  // namespace agent::host

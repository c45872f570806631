#include "drive_iface/device/holder_ladder.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace drive_iface {

using namespace agent::core;

namespace {

// What the two rungs above this ladder have said; both belong to a look.
void add_looks_own_rungs(const Reservation& reservation, HolderSearch& search) {
    search.rungs.push_back(
        {std::string(to_text(HolderEvidence::drive_event)), "no event has told it"});
    search.rungs.push_back(
        {std::string(to_text(HolderEvidence::full_status)),
         reservation.kind == ReservationKind::persistent
             ? "the drive names no port (READ FULL STATUS missing, or without TransportID)"
             : "under a RESERVE the drive refuses PERSISTENT RESERVE IN to everyone"});
}

void take(DriveObserved& observed, const std::string& rung, const HolderFinding& finding) {
    observed.search.rungs.push_back({rung, finding.said});
    auto& candidates = observed.search.candidates;
    candidates.insert(candidates.end(), finding.candidates.begin(), finding.candidates.end());
    if (finding.holders.empty()) return;
    const Sureness sureness = sureness_of(finding.evidence);
    if (sureness == Sureness::authoritative && observed.reservation.holders.empty()) {
        observed.reservation.holders = finding.holders;
        std::sort(observed.reservation.holders.begin(), observed.reservation.holders.end());
        observed.evidence = finding.evidence;
        return;
    }
    for (const InitiatorPort& port : finding.holders)
        candidates.push_back({finding.evidence, sureness, port, finding.said});
}

}  // namespace

HolderLadder::HolderLadder(std::vector<std::unique_ptr<HolderResolver>> rungs,
                           std::optional<InitiatorPort> own_port, Duration again_after)
    : rungs_(std::move(rungs)), own_port_(std::move(own_port)), again_after_(again_after) {}

bool HolderLadder::needed_for(const DriveObserved& observed) {
    return observed.reservation.state == ReservationState::reserved &&
           observed.reservation.holders.empty();
}

void HolderLadder::complete(DriveObserved& observed) {
    const HolderCase about{observed.drive, std::nullopt, observed.reservation, own_port_};
    observed.search = {};
    add_looks_own_rungs(observed.reservation, observed.search);
    for (const auto& rung : rungs_) {
        const std::string name(rung->rung());
        if (!rung->asks_drive()) {
            const auto found = rung->resolve(about, nullptr, {0});
            take(observed, name, found ? *found : HolderFinding{{}, {}, {}, found.error().message});
            continue;
        }
        if (!answers_ || answers_->about.reservation != about.reservation) continue;
        for (std::size_t i = 0; i < answers_->findings.size(); ++i) {
            if (answers_->names[i] == name) take(observed, name, answers_->findings[i]);
        }
    }
    auto& candidates = observed.search.candidates;
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const auto& a, const auto& b) { return a.sureness < b.sureness; });
}

bool HolderLadder::begin_asking(const DriveObserved& observed,
                                const std::optional<DriveIdentity>& identity, Instant now) {
    const bool anyone = std::any_of(rungs_.begin(), rungs_.end(),
                                    [](const auto& rung) { return rung->asks_drive(); });
    if (!anyone || asking() || !needed_for(observed)) return false;
    const bool same = answers_ && answers_->about.reservation == observed.reservation;
    if (same && now - answers_->at < again_after_) return false;
    asking_ = Round{{observed.drive, identity, observed.reservation, own_port_}, {}, {}, now};
    return true;
}

Outcome HolderLadder::ask_drive(Transport& drive, Duration timeout) {
    const std::lock_guard lock(mutex_);
    for (const auto& rung : rungs_) {
        if (!rung->asks_drive()) continue;
        auto found = rung->resolve(asking_->about, &drive, timeout);
        asking_->names.emplace_back(rung->rung());
        if (!found) {
            asking_->findings.push_back({{}, {}, {}, found.error().message});
            return found.error();
        }
        asking_->findings.push_back(std::move(found).value());
    }
    return Nothing{};
}

void HolderLadder::answered(Instant now) {
    const std::lock_guard lock(mutex_);
    answers_ = std::exchange(asking_, std::nullopt);
    if (answers_) answers_->at = now;
}

void HolderLadder::forget() {
    answers_.reset();
}

}  // namespace drive_iface

#include <algorithm>
#include <utility>

#include "agent/mounts/claim_rows.hpp"
#include "agent/mounts/claim_sql.hpp"
#include "agent/mounts/claim_table.hpp"

namespace agent::mounts {

using namespace claim_sql;
using claims::Claim;
using claims::ClaimEnding;
using claims::ClaimState;
using claims::DriveRow;
using claims::DriveState;
using claims::Volume;
using core::Error;
using core::Nothing;
using core::Outcome;
using core::Result;
using core::WallTime;

namespace {

claims::DriveWish wish_of(const MountRequest& request, const Volume& volume,
                          const std::vector<std::string>& not_these) {
    return {.generation = volume.generation,
            .access = request.access,
            .from = volume.element,
            .affinity = request.affinity,
            .not_these = not_these};
}

Claim new_claim(const MountRequest& request, std::uint64_t id, WallTime now) {
    Claim claim;
    claim.id = id;
    claim.request = request.request;
    claim.host = request.host;
    claim.volume = request.volume;
    claim.access = request.access;
    claim.wait = request.wait;
    claim.deadline = request.deadline;
    claim.asked_at = now;
    return claim;
}

// One that was chosen among them.
const DriveRow& row_of(const std::string& serial, const std::vector<DriveRow>& rows) {
    return *std::find_if(rows.begin(), rows.end(),
                         [&](const DriveRow& row) { return row.serial == serial; });
}

}  // namespace

// ---- commit 1

Result<std::string> ClaimTable::line_full(const std::string& host) {
    const auto waiting = line();
    if (!waiting) return waiting.error();
    const auto of_host = static_cast<std::size_t>(std::count_if(
        waiting->begin(), waiting->end(), [&](const Claim& claim) { return claim.host == host; }));
    if (waiting->size() >= options_.queue_max)
        return std::to_string(waiting->size()) + " requests wait already, which is the limit";
    if (of_host >= options_.queue_per_host_max)
        return std::to_string(of_host) + " requests of this host wait already, which is its limit";
    return std::string();
}

Outcome ClaimTable::take_in(Claim& claim, const DriveRow& chosen, std::uint64_t key, bool is_new,
                            WallTime now, DriveClaimed& taken) {
    claim.state = claims::claim_row(claim.state, claims::ClaimEvent::drive_claimed).to;
    claim.ending = ClaimEnding::none;
    claim.reason.clear();
    claim.node = writer_.node;
    claim.epoch = writer_.epoch;
    claim.drive = chosen.serial;
    claim.changed_at = now;
    DriveRow drive = chosen;
    drive.state = DriveState::claimed;
    drive.node = writer_.node;
    drive.epoch = writer_.epoch;
    drive.claim = claim.id;
    drive.volume = claim.volume;
    drive.home = claim.home;
    drive.key = key;
    drive.since = now;
    if (auto kept = keep_claim(claim, is_new); !kept) return kept;
    if (auto kept = keep_drive(drive, now); !kept) return kept;
    taken = {claim, drive};
    return Nothing{};
}

Result<TableSeen> ClaimTable::look_for(const MountRequest& request) {
    const auto answers = session_->ask({whose_epoch(),
                                        {claim_by_request, {options_.library, request.request}},
                                        {one_volume, {options_.library, request.volume}},
                                        {claim_by_volume, {options_.library, request.volume}},
                                        {every_drive, {options_.library}},
                                        {occupied_drives, {options_.library}},
                                        {newest_claim, {options_.library}}});
    if (!answers) return answers.error();
    if (auto master = is_mine((*answers)[0]); !master) return master.error();
    auto before = maybe_one((*answers)[1], &claim_from);
    if (!before) return before.error();
    auto volume = maybe_one((*answers)[2], &volume_from);
    if (!volume) return volume.error();
    auto in_use = maybe_one((*answers)[3], &claim_from);
    if (!in_use) return in_use.error();
    auto rows = every_one((*answers)[4], &drive_from);
    if (!rows) return rows.error();
    OccupiedDrives occupied;
    for (const auto& cells : (*answers)[5].rows)
        occupied.emplace(cells[0].value_or(""), cells[1].value_or(""));
    // The newest claim is never forgotten, so no number is used twice.
    const auto& newest = (*answers)[6].rows;
    const std::uint64_t next_id =
        newest.empty() ? 1 : static_cast<std::uint64_t>(number_in(newest.front().front())) + 1;
    memory_.see_all_drives(*rows, occupied, next_id);
    if (*volume) memory_.see(**volume);
    if (*before) memory_.see(**before);
    if (*in_use) memory_.see(**in_use);
    if (*in_use && (*in_use)->request == request.request) in_use.value().reset();
    return TableSeen{*before, *volume, *in_use, *rows, usable_drives(*rows, occupied), next_id};
}

Result<bool> ClaimTable::choose_from_memory(const MountRequest& request,
                                            const std::vector<claims::KnownDrive>& known,
                                            const std::vector<std::string>& not_these,
                                            std::uint64_t key, WallTime now, ClaimBegun& begun) {
    if (!from_memory_) return false;
    const auto seen = memory_.seen_for_new(request.request, request.volume);
    if (!seen || claims::why_not_mountable(request.volume, seen->volume, std::nullopt,
                                           request.access, seen->drives, options_.media))
        return false;
    const auto choice = claims::choose_drive(wish_of(request, *seen->volume, not_these),
                                             seen->usable, known, options_.media);
    if (!choice.serial) return false;
    if (auto pruned = forget_before(seen->next_id); !pruned) return pruned.error();
    Claim claim = new_claim(request, seen->next_id, now);
    claim.home = seen->volume->element;
    DriveClaimed taken;
    const auto& chosen = row_of(*choice.serial, seen->drives);
    if (auto kept = take_in(claim, chosen, key, true, now, taken); !kept) return kept.error();
    begun = std::move(taken);
    return true;
}

Outcome ClaimTable::choose(const MountRequest& request,
                           const std::vector<claims::KnownDrive>& known,
                           const std::vector<std::string>& not_these, std::uint64_t key,
                           WallTime now, ClaimBegun& begun) {
    const auto remembered = choose_from_memory(request, known, not_these, key, now, begun);
    if (!remembered) return remembered.error();
    if (*remembered) return Nothing{};
    const auto looked = look_for(request);
    if (!looked) return looked.error();
    const auto& [before, volume, in_use, rows, usable, next_id] = *looked;
    const bool open = before && before->state == ClaimState::queued;
    const bool again =
        before && before->state == ClaimState::ended && before->ending == ClaimEnding::undone;
    if (before && (before->volume != request.volume || before->host != request.host)) {
        return Error{"request " + request.request + " was made before for volume " +
                     before->volume + "; choose another --request"};
    }
    if (before && !open && !again) {
        begun = AlreadyKnown{*before};
        return Nothing{};
    }
    if (auto refusal = claims::why_not_mountable(request.volume, volume, in_use, request.access,
                                                 rows, options_.media)) {
        begun = std::move(*refusal);
        return Nothing{};
    }
    const auto choice =
        claims::choose_drive(wish_of(request, *volume, not_these), usable, known, options_.media);
    Claim claim = before ? *before : new_claim(request, next_id, now);
    claim.wait = request.wait;
    claim.deadline = request.deadline;
    claim.home = volume->element;
    if (!choice.serial && !request.wait) {
        begun = NoDrive{choice.counts, ""};
        return Nothing{};
    }
    if (!choice.serial && !open) {
        const auto full = line_full(request.host);
        if (!full) return full.error();
        if (!full->empty()) {
            begun = NoDrive{choice.counts, *full};
            return Nothing{};
        }
    }
    if (!before) {
        if (auto pruned = forget_before(next_id); !pruned) return pruned;
    }
    if (choice.serial) {
        DriveClaimed taken;
        const auto& chosen = row_of(*choice.serial, rows);
        if (auto kept = take_in(claim, chosen, key, !before, now, taken); !kept) return kept;
        begun = std::move(taken);
        return Nothing{};
    }
    if (!open) {
        claim.state = ClaimState::queued;
        claim.ending = ClaimEnding::none;
        claim.reason.clear();
        claim.node = writer_.node;
        claim.epoch = writer_.epoch;
        claim.drive.reset();
        claim.changed_at = now;
        if (auto kept = keep_claim(claim, !before); !kept) return kept;
    }
    const auto position = position_of(claim.id);
    if (!position) return position.error();
    begun = InLine{claim, *position, choice.counts};
    return Nothing{};
}

Result<ClaimBegun> ClaimTable::begin(const MountRequest& request,
                                     const std::vector<claims::KnownDrive>& known,
                                     const std::vector<std::string>& not_these, std::uint64_t key,
                                     WallTime now) {
    ClaimBegun begun = NoDrive{};
    auto done = transaction([&] { return choose(request, known, not_these, key, now, begun); });
    if (!done) return done.error();
    return begun;
}

}  // namespace agent::mounts

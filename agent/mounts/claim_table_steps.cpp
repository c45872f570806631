#include "agent/mounts/claim_rows.hpp"
#include "agent/mounts/claim_table.hpp"

namespace agent::mounts {

using claims::Claim;
using claims::ClaimEnding;
using claims::ClaimState;
using claims::DriveState;
using core::Error;
using core::Nothing;
using core::Outcome;
using core::Result;
using core::WallTime;

namespace {

Error not_its_drive(const Claim& claim) {
    return Error{"claim " + std::to_string(claim.id) + " does not have drive " + *claim.drive +
                 " any more"};
}

}  // namespace

// ---- the steps after it

Result<Claim> ClaimTable::step(std::uint64_t id, claims::ClaimEvent event, WallTime now) {
    Claim stepped;
    auto done = transaction([&]() -> Outcome {
        auto found = look_at(id);
        if (!found) return found.error();
        stepped = found->claim;
        const auto& row = claims::claim_row(stepped.state, event);
        if (row.action == claims::ClaimAction::refuse) {
            return Error{"claim " + std::to_string(id) + " is " + std::string(to_text(row.from)) +
                         ": \"" + std::string(to_text(event)) + "\" does not happen there"};
        }
        if (row.from == ClaimState::ended) return Nothing{};
        if (stepped.drive && stepped.node != writer_.node)
            return Error{"claim " + std::to_string(id) + " is controller " + stepped.node + "'s"};
        const bool mounted = row.to == ClaimState::mounted && stepped.state == ClaimState::loading;
        stepped.state = row.to;
        stepped.changed_at = now;
        if (auto kept = keep_claim(stepped, false); !kept) return kept;
        if (!stepped.drive) return Nothing{};
        auto& its_drive = found.value().drive;
        if (its_drive.claim != id) return not_its_drive(stepped);
        its_drive.state = claims::drive_state_of(row.to);
        if (mounted) {
            const auto uses = session_->run(
                "UPDATE library_state SET uses = uses + 1 WHERE library = $1 RETURNING uses",
                {options_.library});
            if (!uses) return uses.error();
            its_drive.last_used = static_cast<std::uint64_t>(number_in(uses->rows.front().front()));
            ++its_drive.mounts;
            auto forgiven = session_->put(
                "DELETE FROM failure WHERE library = $1 AND (volume = $2 OR drive = $3)",
                {options_.library, stepped.volume, its_drive.serial});
            if (!forgiven) return forgiven;
            if (auto kept = keep_in_drive(stepped.volume, its_drive, now); !kept) return kept;
        }
        return keep_drive(its_drive, now);
    });
    if (!done) return done.error();
    return stepped;
}

Result<Claim> ClaimTable::release(std::uint64_t id, const ClaimRelease& how, WallTime now) {
    Claim released;
    auto done = transaction([&]() -> Outcome {
        auto found = look_at(id);
        if (!found) return found.error();
        released = found->claim;
        const auto serial = released.drive;
        if (serial && released.state != ClaimState::ended && released.node != writer_.node)
            return Error{"claim " + std::to_string(id) + " is controller " + released.node + "'s"};
        if (released.state != ClaimState::ended) {
            released.state = how.wait_again ? ClaimState::queued : ClaimState::ended;
            released.ending = how.wait_again ? ClaimEnding::none : how.ending;
            released.reason = how.reason;
        }
        if (how.wait_again) released.drive.reset();
        if (how.failed_drive) released.failed_drive = how.failed_drive;
        released.changed_at = now;
        if (auto kept = keep_claim(released, false); !kept) return kept;
        if (!serial) return Nothing{};
        if (how.slot) {
            if (auto kept = keep_in_slot(released.volume, *how.slot, now); !kept) return kept;
        }
        auto& its_drive = found.value().drive;
        if (its_drive.claim != id) return Nothing{};
        its_drive.state = how.quarantine_drive.empty() ? DriveState::free : DriveState::quarantined;
        its_drive.reason = how.quarantine_drive;
        its_drive.claim.reset();
        its_drive.node.clear();
        its_drive.key = 0;
        if (!how.medium_in_drive) {
            its_drive.volume.reset();
            its_drive.home.reset();
        }
        return keep_drive(its_drive, now);
    });
    if (!done) return done.error();
    return released;
}

// A transaction of nothing: the mark it leaves waits for whatever else holds this controller's row.
Outcome ClaimTable::settle() {
    return transaction([&] { return still_master(); });
}

Result<Claim> ClaimTable::adopt(std::uint64_t id, std::uint64_t key, WallTime now) {
    Claim adopted;
    auto done = transaction([&]() -> Outcome {
        auto found = look_at(id);
        if (!found) return found.error();
        adopted = found->claim;
        // It still names the drive it had, which may be another claim's by now.
        if (adopted.state == ClaimState::ended)
            return Error{"claim " + std::to_string(id) + " has ended"};
        // Its deadline is by a clock that may differ from this one: what was left at its last step.
        const bool on_its_way =
            adopted.state != ClaimState::mounted && adopted.state != ClaimState::unloading;
        if (adopted.node != writer_.node && on_its_way) {
            adopted.deadline.ms = now.ms + (adopted.deadline.ms - adopted.changed_at.ms);
            adopted.changed_at = now;
        }
        adopted.node = writer_.node;
        adopted.epoch = writer_.epoch;
        if (auto kept = keep_claim(adopted, false); !kept) return kept;
        if (!adopted.drive) return Nothing{};
        auto& its_drive = found.value().drive;
        if (its_drive.claim != id) return not_its_drive(adopted);
        its_drive.node = writer_.node;
        its_drive.epoch = writer_.epoch;
        its_drive.key = key;
        its_drive.state = claims::drive_state_of(adopted.state);
        return keep_drive(its_drive, now);
    });
    if (!done) return done.error();
    return adopted;
}

Result<claims::Blame> ClaimTable::record_failure(const claims::MountFailure& failure, bool hardware,
                                                 const std::string& words, WallTime now) {
    claims::Blame blame;
    auto done = transaction([&]() -> Outcome {
        if (auto master = still_master(); !master) return master;
        const auto known = session_->run(
            "SELECT volume, drive FROM failure WHERE library = $1 AND "
            "(volume = $2 OR drive = $3) ORDER BY at LIMIT 100",
            {options_.library, failure.volume, failure.drive});
        if (!known) return known.error();
        std::vector<claims::MountFailure> before;
        for (const auto& row : known->rows)
            before.push_back({row[0].value_or(""), row[1].value_or("")});
        blame = claims::blame_for(failure, before, hardware);
        if (auto kept = run("INSERT INTO failure (library, volume, drive, at, words) VALUES "
                            "($1, $2, $3, $4, $5) ON CONFLICT (library, volume, drive) DO UPDATE "
                            "SET at = excluded.at, words = excluded.words",
                            {options_.library, failure.volume, failure.drive, now.ms, words});
            !kept)
            return kept;
        if (auto kept =
                run("UPDATE drive SET errors = errors + 1 WHERE library = $1 AND serial = $2",
                    {options_.library, failure.drive});
            !kept)
            return kept;
        if (!blame.volume) return Nothing{};
        return run(
            "UPDATE volume SET state = 'quarantined', reason = $1 WHERE library = $2 AND "
            "barcode = $3",
            {words, options_.library, failure.volume});
    });
    if (!done) return done.error();
    return blame;
}

// ---- by people

Outcome ClaimTable::set_volume_state(const std::string& barcode, claims::VolumeState state,
                                     const std::string& reason) {
    return transaction([&]() -> Outcome {
        if (auto master = still_master(); !master) return master;
        memory_.forget();
        const auto set = session_->run(
            "UPDATE volume SET state = $1, reason = $2 WHERE library = $3 AND barcode = $4",
            {text(to_text(state)), reason, options_.library, barcode});
        if (!set) return set.error();
        if (set->changed == 0) {
            return Error{"volume " + barcode +
                         " is unknown; `lractl volume list` shows those "
                         "there are"};
        }
        return run("DELETE FROM failure WHERE library = $1 AND volume = $2",
                   {options_.library, barcode});
    });
}

Outcome ClaimTable::free_drive(const std::string& serial, WallTime now) {
    return transaction([&]() -> Outcome {
        if (auto master = still_master(); !master) return master;
        memory_.forget();
        const auto set = session_->run(
            "UPDATE drive SET state = 'free', reason = '', volume = NULL, home = NULL, step_at = "
            "$1 WHERE library = $2 AND serial = $3 AND state = 'quarantined'",
            {now.ms, options_.library, serial});
        if (!set) return set.error();
        if (set->changed == 0) {
            return Error{"drive " + serial +
                         " is not quarantined; `lractl claim drives` shows "
                         "the drive table"};
        }
        return run("DELETE FROM failure WHERE library = $1 AND drive = $2",
                   {options_.library, serial});
    });
}

}  // namespace agent::mounts

// Cartridges back to their slots, and claims to their end.

#include <algorithm>
#include <utility>

#include "agent/mounts/drive_hold.hpp"
#include "agent/mounts/mount_run.hpp"
#include "agent/mounts/mount_service.hpp"
#include "agent/runtime/clock.hpp"

namespace agent::mounts {

using claims::Claim;
using claims::ClaimEnding;
using claims::ClaimEvent;
using claims::ClaimState;
using claims::Whereabouts;
using core::Duration;
using core::Error;
using core::Message;
using core::Nothing;
using core::Outcome;
using core::Result;
using drive_iface::Transport;
using runtime::clock_now;

namespace {

std::optional<MountFault> wrong_with_finding(const Result<std::optional<Claim>>& found,
                                             const std::string& name) {
    if (!found) return MountFault{MountFault::Kind::failed, found.error().message, "table", {}};
    if (found->has_value()) return std::nullopt;
    return MountFault{MountFault::Kind::unknown_claim,
                      "nothing is claimed as " + name + "; `lractl claim list` shows what is",
                      "unknown_claim",
                      {}};
}

}  // namespace

void MountService::unmount(const std::string& name, MountCallback callback) {
    if (auto fault = why_not_now(false)) return callback(*fault);
    find_claim(name, [this, name,
                      callback = std::move(callback)](const Result<std::optional<Claim>>& found) {
        if (auto fault = wrong_with_finding(found, name)) return callback(*fault);
        const Claim& claim = **found;
        if (claim.state == ClaimState::ended && claim.ending == ClaimEnding::unmounted)
            return callback(claim);  // asked twice
        if (claim.state == ClaimState::ended) return callback(fault_of(claim));
        if (const auto run = find_run(claim.id);
            run && run->working && claim.state == ClaimState::unloading) {
            run->unmounters.push_back(callback);
            return;
        }
        if (claim.state != ClaimState::mounted) {
            return callback(MountFault{MountFault::Kind::differs,
                                       of_claim(claim) + " of volume " + claim.volume + " is " +
                                           std::string(to_text(claim.state)) +
                                           ", not mounted; `lractl claim cancel " +
                                           std::to_string(claim.id) + "` gives it up",
                                       "not_mounted",
                                       {}});
        }
        begin_unmount(claim, callback);
    });
}

// Of a claim that is mounted.
void MountService::begin_unmount(const Claim& claim, const MountCallback& callback) {
    // A run of it that is at work knows it better than the table did when it was asked.
    const auto known = find_run(claim.id);
    const auto run = known && known->working ? known : run_of(claim);
    run->unmounters.push_back(callback);
    if (run->working) return;
    run->working = true;
    run->handed_over = true;
    run->decided = true;
    run->ending = {};
    run->ending.ending = ClaimEnding::unmounted;
    at_desk<Result<Claim>>(
        [id = claim.id, key = key_](ClaimTable& table) -> Result<Claim> {
            // Another controller's, which has the same drive in reach.
            auto adopted = table.adopt(id, key, clock_now().wall);
            if (!adopted) return adopted;
            return table.step(id, ClaimEvent::withdrawn, clock_now().wall);
        },
        [this, run](const Result<Claim>& stepped) {
            if (!stepped) return stuck(run, stepped.error().message);
            run->claim = *stepped;
            refresh_drives();
            take_back(run);
        });
}

void MountService::cancel(const std::string& name, MountCallback callback) {
    find_claim(name, [this, name,
                      callback = std::move(callback)](const Result<std::optional<Claim>>& found) {
        if (auto fault = wrong_with_finding(found, name)) return callback(*fault);
        const Claim& claim = **found;
        const auto run = find_run(claim.id);
        if (claim.state == ClaimState::mounted) {
            return callback(MountFault{
                MountFault::Kind::differs,
                of_claim(claim) + " is mounted; `lractl unmount " + claim.volume + "` ends it",
                "mounted",
                {}});
        }
        if (claim.state == ClaimState::ended) return callback(claim);
        if (!run) return callback(not_cancelled_yet(claim));
        run->unmounters.push_back([callback, id = claim.id](const MountAnswer& answer) {
            // Over is what was asked for, however it came.
            if (std::holds_alternative<Claim>(answer)) return callback(answer);
            const auto& fault = std::get<MountFault>(answer);
            if (fault.reason != to_text(ClaimEnding::cancelled)) return callback(answer);
            Claim cancelled;
            cancelled.id = id;
            cancelled.state = ClaimState::ended;
            cancelled.ending = ClaimEnding::cancelled;
            callback(cancelled);
        });
        withdraw(run, ClaimEnding::cancelled, "it was cancelled");
    });
}

// Of a claim without a run.
MountFault MountService::not_cancelled_yet(const Claim& claim) {
    if (claim.node != writer_.node) {
        return {MountFault::Kind::differs,
                of_claim(claim) + " is controller " + claim.node + "'s: cancel it there",
                "other_controller",
                {}};
    }
    if (serving_) take_up_later();  // else the start does
    return {MountFault::Kind::busy,
            of_claim(claim) + " of volume " + claim.volume +
                " is being taken up after an interruption; cancel it again in a few seconds",
            "taken_up",
            {}};
}

// In the middle of a step: at its end. What is known of the drive stays: a quarantine was
// announced.
void MountService::withdraw(const RunPointer& run, ClaimEnding ending, const std::string& words) {
    run->withdrawn = true;
    run->decided = true;
    run->try_another = false;
    run->ending.ending = ending;
    run->ending.reason = words;
    if (!run->working) withdraw_now(run);
}

void MountService::withdraw_now(const RunPointer& run) {
    run->working = true;
    run->ending.wait_again = false;
    give_drive_back(run, run->ending);
}

// Reserve, look, unload, MOVE MEDIUM, take the reservation off: each looks first whether it is
// needed.
void MountService::take_back(const RunPointer& run) {
    run->working = true;
    run->step = "unloads drive " + *run->claim.drive;
    auto refused = std::make_shared<bool>(false);
    for_claim(
        run,
        [family = family_, own = key_, refused](Transport& drive, Duration timeout) -> Outcome {
            auto hold = hold_drive(drive, family, own, timeout);
            if (!hold) return hold.error();
            *refused = hold->refused;
            if (*refused) return Error{"the drive is still reserved (" + hold->words + ")"};
            return Nothing{};
        },
        [this, run, refused](const Outcome& held) {
            if (*refused && run->handed_over) return stays_mounted(run, held.error().message, true);
            if (*refused) return not_taken_back(run, held.error().message);
            unload_own(run, held);
        });
}

// Somebody may have put another cartridge into the drive by hand: that one is not ours to unload.
void MountService::unload_own(const RunPointer& run, const Outcome& held) {
    const auto row = last_drives_.find(*run->claim.drive);
    if (row == last_drives_.end()) return stuck(run, "its drive is not in the table");
    inventory_at_robot(
        false, [this, run, held, element = row->second.element](const Result<Inventory>& shown) {
            if (!shown) return ask_changer_again(run, shown.error().message);
            const std::string other = other_cartridge(*shown, run->claim.volume, element);
            // A drive that can not unload may still let the changer take the cartridge.
            if (!other.empty() || !held)
                return move_home(run, element, held ? "" : held.error().message, other);
            // With the way back to the beginning of the tape: minutes, of a full one.
            const auto unload_timeout = options_.move_timeout;
            for_claim(
                run,
                [unload_timeout](Transport& drive, Duration timeout) {
                    return unload_drive(drive, std::max(timeout, unload_timeout));
                },
                [this, run, element](const Outcome& unloaded) {
                    move_home(run, element, unloaded ? "" : unloaded.error().message, "");
                });
        });
}

// `trouble`: of the drive. `other`: what is in it and is not the claim's, empty: nothing.
void MountService::move_home(const RunPointer& run, std::uint16_t element,
                             const std::string& trouble, const std::string& other) {
    run->step = "moves the cartridge back";
    const Move move{run->claim.volume, element, run->claim.home, false};
    at_robot(
        [this, move](Transport& changer) {
            return move_volume(changer, move, options_.table.media, options_.move_timeout,
                               options_.command_timeout);
        },
        [this, run, trouble, other](const MoveEnd& end) {
            MoveEnd told = end;
            if (!trouble.empty()) told.words = trouble + "; " + told.words;
            if (other.empty()) return taken_back(run, told);
            const std::string words =
                "drive " + *run->claim.drive + " has " + other + " in it, which stays there; " +
                (end.done ? "volume " + run->claim.volume + " is in a slot" : told.words);
            if (end.done && run->handed_over) return taken_by_somebody(run, words, end.slot);
            told.words = words;
            taken_back(run, told);
        });
}

void MountService::taken_back(const RunPointer& run, const MoveEnd& end) {
    if (end.done) {
        run->ending.slot = end.slot;
        return give_drive_back(run, run->ending);
    }
    if (end.medium == Whereabouts::no_answer) return ask_changer_again(run, end.words);
    if (end.gone) return taken_by_somebody(run, end.words, std::nullopt);
    if (run->handed_over && !end.hardware) return stays_mounted(run, end.words, false);
    not_taken_back(run, end.words);
}

// As after a restart: nothing brings it back, and what is in the drive now is not known.
void MountService::taken_by_somebody(const RunPointer& run, const std::string& words,
                                     const std::optional<std::uint16_t>& slot) {
    run->decided = true;
    run->try_another = false;
    if (!run->withdrawn) {
        run->ending = {};
        run->ending.ending = ClaimEnding::volume_failed;
        run->ending.reason = words;
    }
    run->ending.slot = slot;
    run->ending.wait_again = false;
    run->ending.quarantine_drive = words;
    doors_.note(Message::mount_drive_quarantined, *run->claim.drive, {*run->claim.drive, words});
    give_drive_back(run, run->ending);
}

// It stays the host's; whoever asked may ask again.
void MountService::stays_mounted(const RunPointer& run, const std::string& words,
                                 bool host_has_it) {
    run->decided = false;
    run->ending = {};
    step(run, ClaimEvent::drive_refused, [this, run, words, host_has_it] {
        for_claim(
            run,
            [family = family_, own = key_](Transport& drive, Duration timeout) {
                return let_go_of_drive(drive, family, own, timeout);
            },
            [this, run, words, host_has_it](const Outcome&) {
                run->step.clear();
                const std::string advice =
                    host_has_it ? "; end its use on the host, then unmount again" : "";
                settle(run, MountFault{MountFault::Kind::differs,
                                       "volume " + run->claim.volume + " stays in drive " +
                                           *run->claim.drive + ": " + words + advice,
                                       host_has_it ? "drive_in_use" : "not_moved",
                                       {}});
            });
    });
}

void MountService::not_taken_back(const RunPointer& run, const std::string& words) {
    const std::string serial = *run->claim.drive;
    run->decided = true;
    run->try_another = false;
    run->ending.wait_again = false;
    run->ending.ending = ClaimEnding::drive_failed;
    run->ending.reason =
        "volume " + run->claim.volume + " can not be taken out of drive " + serial + ": " + words;
    run->ending.quarantine_drive = run->ending.reason;
    run->ending.medium_in_drive = true;
    doors_.note(Message::mount_drive_quarantined, serial, {serial, run->ending.reason});
    give_drive_back(run, run->ending);
}

void MountService::give_drive_back(const RunPointer& run, ClaimRelease how) {
    if (!run->claim.drive || run->claim.state == ClaimState::queued)
        return record_release(run, how);
    run->step = "takes its reservation off the drive";
    for_claim(
        run,
        [family = family_, own = key_](Transport& drive, Duration timeout) {
            return let_go_of_drive(drive, family, own, timeout);
        },
        [this, run, how = std::move(how)](const Outcome& outcome) {
            if (outcome) return record_release(run, how);
            run->step = "takes its reservation off the drive: " + outcome.error().message;
            after(options_.asked_again, run, [this, run, how] { give_drive_back(run, how); });
        });
}

void MountService::record_release(const RunPointer& run, const ClaimRelease& how) {
    at_desk<Result<Claim>>(
        [id = run->claim.id, how](ClaimTable& table) {
            return table.release(id, how, clock_now().wall);
        },
        [this, run](const Result<Claim>& claim) {
            if (!claim) return stuck(run, claim.error().message);
            released(run, *claim);
        });
}

void MountService::released(const RunPointer& run, const Claim& claim) {
    const auto drive = run->claim.drive.value_or("");
    run->claim = claim;
    run->step.clear();
    if (claim.state == ClaimState::queued) {
        const bool once_more = run->try_another;
        run->try_another = false;
        run->handed_over = false;
        if (!run->withdrawn) {
            run->decided = false;
            run->ending = {};
        }
        if (once_more && !claim.wait) return take_from_line(run, {*claim.failed_drive});
        wait_in_line(run);
        return serve_line();
    }
    if (claim.ending == ClaimEnding::unmounted) {
        doors_.note(Message::volume_unmounted, drive, {claim.volume, drive, of_claim(claim)});
        settle(run, claim);
    } else {
        settle(run, fault_of(claim));
    }
    serve_line();
}

}  // namespace agent::mounts

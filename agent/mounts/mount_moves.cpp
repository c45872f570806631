// Cartridges into drives: what follows when a claim has its drive.

#include <algorithm>
#include <chrono>

#include "agent/mounts/drive_hold.hpp"
#include "agent/mounts/mount_run.hpp"
#include "agent/mounts/mount_service.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/runtime/log.hpp"

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

constexpr Duration ready_look_interval{250};

}  // namespace

// ---- doors

void MountService::at_robot(std::function<MoveEnd(Transport&)> work,
                            std::function<void(const MoveEnd&)> then) {
    const std::weak_ptr<MountService> weak = weak_from_this();
    const auto tell = [this, weak, then = std::move(then)](const MoveEnd& end) {
        asio::post(loop_, [weak, then, end] {
            const auto self = weak.lock();
            if (self && !self->stopped_) then(end);
        });
    };
    const bool begun =
        robot_->post([this, work = std::move(work), tell, epoch = doors_.acting().epoch] {
            // The robot is a member and its thread ends before the doors do.
            RightfulTransport changer(*changer_, doors_.acting, epoch);
            tell(work(changer));
        });
    if (!begun && !stopped_) tell({.words = "too many moves wait for the changer"});
}

void MountService::on_drive(const std::string& serial,
                            std::function<Outcome(Transport&, Duration)> work,
                            std::function<void(const OrderEnd&)> done) {
    const std::weak_ptr<MountService> weak = weak_from_this();
    auto kept_back = std::make_shared<std::atomic<bool>>(false);
    doors_.on_drive(serial, {[work = std::move(work), kept_back, acting = doors_.acting,
                              epoch = doors_.acting().epoch](Transport& device, Duration timeout) {
                                 RightfulTransport drive(device, acting, epoch);
                                 auto outcome = work(drive, timeout);
                                 kept_back->store(drive.kept_back());
                                 return outcome;
                             },
                             [weak, kept_back, done = std::move(done)](const Outcome& outcome) {
                                 const auto self = weak.lock();
                                 if (self && !self->stopped_) done({outcome, kept_back->load()});
                             }});
}

// For a run whose claim has a drive. A controller that may not act leaves everything where it is;
// what is to be done follows from drive and changer when it may again.
void MountService::for_claim(const RunPointer& run,
                             std::function<Outcome(Transport&, Duration)> work,
                             std::function<void(const Outcome&)> done) {
    on_drive(*run->claim.drive, std::move(work),
             [this, run, done = std::move(done)](const OrderEnd& end) {
                 if (end.kept_back) return stuck(run, "this controller may not act now");
                 done(end.outcome);
             });
}

void MountService::after(Duration delay, const RunPointer& run, std::function<void()> then) {
    run->pause.expires_after(std::chrono::milliseconds(delay.ms));
    run->pause.async_wait(
        [weak = weak_from_this(), then = std::move(then)](const std::error_code& error) {
            const auto self = weak.lock();
            if (!error && self && !self->stopped_) then();
        });
}

// The table does not take the step, or this controller may not act. Nothing further is done to
// drive and changer; when it answers again the claim is taken up from what they show, as after a
// restart.
void MountService::stuck(const RunPointer& run, const std::string& words) {
    if (const std::string step = "can not go on: " + words; run->step != step) {
        run->step = step;
        runtime::log_error(of_claim(run->claim) + " of volume " + run->claim.volume + " " + step);
    }
    after(options_.asked_again, run, [this, run] {
        at_desk<Result<std::optional<Claim>>>(
            [id = run->claim.id](ClaimTable& table) { return table.claim(id); },
            [this, run](const Result<std::optional<Claim>>& found) {
                if (!found || !*found) {
                    return stuck(run, found ? "the claim is gone" : found.error().message);
                }
                const bool anothers =
                    (*found)->node != run->claim.node && (*found)->node != writer_.node;
                run->claim = **found;
                if (anothers) return leave_to_other(run);
                if (run->claim.state == ClaimState::queued) return released(run, **found);
                if (run->claim.state == ClaimState::ended) return settle(run, fault_of(run->claim));
                recover(run, false);
            });
    });
}

// Another controller has taken it over.
void MountService::leave_to_other(const RunPointer& run) {
    const auto waiters = std::exchange(run->waiters, {});
    settle(run, MountFault{MountFault::Kind::differs,
                           of_claim(run->claim) + " is controller " + run->claim.node +
                               "'s by now: ask there",
                           "other_controller",
                           {}});
    runs_.erase(run->claim.id);
    for (const auto& waiter : waiters)
        attach(run->claim, waiter);
}

// Nobody's failure: where the cartridge is has to be known before anything else is done.
void MountService::ask_changer_again(const RunPointer& run, const std::string& words) {
    run->step = "asks the changer again soon: " + words;
    runtime::log_warning(of_claim(run->claim) + " of volume " + run->claim.volume +
                         " waits for the changer: " + words);
    after(options_.asked_again, run, [this, run] { recover(run, false); });
}

void MountService::step(const RunPointer& run, ClaimEvent event, std::function<void()> then) {
    at_desk<Result<Claim>>(
        [id = run->claim.id, event](ClaimTable& table) {
            return table.step(id, event, clock_now().wall);
        },
        [this, run, then = std::move(then)](const Result<Claim>& stepped) {
            if (!stepped) return stuck(run, stepped.error().message);
            run->claim = *stepped;
            refresh_drives();
            then();
        });
}

// ---- in

void MountService::begin_move(const RunPointer& run) {
    run->working = true;
    run->step = "moves the cartridge to drive " + *run->claim.drive;
    if (run->withdrawn) return give_drive_back(run, run->ending);
    step(run, ClaimEvent::move_begins, [this, run] {
        at_desk<Result<std::vector<claims::DriveRow>>>(
            [](ClaimTable& table) { return table.drives(); },
            [this, run](const Result<std::vector<claims::DriveRow>>& rows) {
                if (!rows) return stuck(run, rows.error().message);
                const auto its =
                    std::find_if(rows->begin(), rows->end(), [&](const claims::DriveRow& drive) {
                        return drive.serial == run->claim.drive;
                    });
                if (its == rows->end()) return stuck(run, "its drive is not in the table");
                const Move move{run->claim.volume, its->element, run->claim.home, true};
                at_robot(
                    [this, move](Transport& changer) {
                        return move_volume(changer, move, options_.table.media,
                                           options_.move_timeout, options_.command_timeout);
                    },
                    [this, run](const MoveEnd& end) { moved_in(run, end); });
            });
    });
}

void MountService::moved_in(const RunPointer& run, const MoveEnd& end) {
    if (end.done) return wait_until_ready(run);
    if (end.medium == Whereabouts::no_answer) return ask_changer_again(run, end.words);
    if (end.medium == Whereabouts::elsewhere || end.medium == Whereabouts::missing)
        return volume_gone(run, end.words);
    load_failed(run, end.words, end.hardware);
}

// Somebody else has moved it since the table was written: nobody's fault, and no other drive would
// change it.
void MountService::volume_gone(const RunPointer& run, const std::string& words) {
    doors_.note(Message::mount_failed, *run->claim.drive,
                {run->claim.volume, *run->claim.drive, words});
    if (!run->withdrawn) {
        run->decided = true;
        run->ending = {};
        run->ending.ending = ClaimEnding::volume_failed;
        run->ending.reason = words;
    }
    scan(false, [this, run](const Outcome&) { give_drive_back(run, run->ending); });
}

void MountService::wait_until_ready(const RunPointer& run) {
    run->working = true;
    run->step = "waits until drive " + *run->claim.drive + " is ready";
    run->ready_until = clock_now().monotonic + options_.ready_timeout;
    look_if_ready(run);
}

void MountService::look_if_ready(const RunPointer& run) {
    auto seen = std::make_shared<DriveReadiness>();
    for_claim(
        run,
        [seen](Transport& drive, Duration timeout) -> Outcome {
            auto looked = look_at_readiness(drive, timeout);
            if (!looked) return looked.error();
            *seen = *looked;
            return Nothing{};
        },
        [this, run, seen](const Outcome& outcome) {
            const std::string words = outcome ? seen->words : outcome.error().message;
            const bool late = clock_now().monotonic >= run->ready_until;
            if (outcome && seen->readiness == Readiness::ready) return ready(run);
            if (outcome && seen->readiness == Readiness::failed)
                return load_failed(run, words, seen->hardware);
            if (late) return load_failed(run, "it did not get ready in time; " + words, false);
            after(ready_look_interval, run, [this, run] { look_if_ready(run); });
        });
}

void MountService::ready(const RunPointer& run) {
    if (run->withdrawn) {
        return step(run, ClaimEvent::withdrawn, [this, run] { take_back(run); });
    }
    step(run, ClaimEvent::drive_ready, [this, run] {
        // Withdrawn while that was written: nobody has the drive yet.
        if (run->withdrawn)
            return step(run, ClaimEvent::withdrawn, [this, run] { take_back(run); });
        run->decided = false;
        run->ending = {};
        run->step = "gives the drive to the host";
        run->handed_over = true;
        for_claim(
            run,
            [family = family_, own = key_](Transport& drive, Duration timeout) {
                return let_go_of_drive(drive, family, own, timeout);
            },
            [this, run](const Outcome& outcome) {
                if (!outcome) {
                    // It is mounted: what is left is to take the reservation off.
                    run->step = "takes its reservation off the drive: " + outcome.error().message;
                    return after(options_.asked_again, run, [this, run] { recover(run, false); });
                }
                run->step.clear();
                doors_.note(Message::volume_mounted, *run->claim.drive,
                            {run->claim.volume, *run->claim.drive,
                             run->claim.host.empty() ? "whoever asks" : "host " + run->claim.host,
                             of_claim(run->claim)});
                // Who has asked for the unmount meanwhile wants it now.
                const auto unmounters = std::exchange(run->unmounters, {});
                settle(run, run->claim);
                for (const auto& unmounter : unmounters)
                    begin_unmount(run->claim, unmounter);
            });
    });
}

void MountService::load_failed(const RunPointer& run, const std::string& words, bool hardware) {
    run->failure = words;
    const std::string serial = *run->claim.drive;
    doors_.note(Message::mount_failed, serial, {run->claim.volume, serial, words});
    at_desk<Result<claims::Blame>>(
        [volume = run->claim.volume, serial, hardware, words](ClaimTable& table) {
            return table.record_failure({volume, serial}, hardware, words, clock_now().wall);
        },
        [this, run, serial, words](const Result<claims::Blame>& blame) {
            if (!blame) return stuck(run, blame.error().message);
            run->decided = true;
            if (!run->withdrawn) {
                run->ending = {};
                run->ending.ending =
                    blame->volume ? ClaimEnding::volume_failed : ClaimEnding::drive_failed;
                run->ending.reason = "drive " + serial + ": " + words;
                run->try_another = !blame->volume && !run->claim.failed_drive;
                run->ending.wait_again = run->try_another;
            }
            run->ending.failed_drive = serial;
            if (blame->drive) {
                run->ending.quarantine_drive = words;
                doors_.note(Message::mount_drive_quarantined, serial, {serial, words});
            }
            if (blame->volume)
                doors_.note(Message::mount_volume_quarantined, "", {run->claim.volume, words});
            step(run, ClaimEvent::move_failed, [this, run] { take_back(run); });
        });
}

}  // namespace agent::mounts

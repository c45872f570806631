// The start: what drives and changer show, and what becomes of claims whose controller is gone.

#include <algorithm>
#include <chrono>
#include <set>

#include "agent/mounts/drive_hold.hpp"
#include "agent/mounts/mount_run.hpp"
#include "agent/mounts/mount_service.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/runtime/log.hpp"
#include "drive_iface/device/mount_key.hpp"

namespace agent::mounts {

using claims::Claim;
using claims::ClaimEnding;
using claims::ClaimState;
using claims::HeldBy;
using claims::Recovery;
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

constexpr auto table_asked_again = std::chrono::milliseconds(500);
constexpr auto changer_looked_at_again = std::chrono::seconds(60);
constexpr std::size_t claims_recovered_max = 10'000;

std::string generation_of(const ReachableDrive& drive) {
    if (!drive.generation.empty()) return drive.generation;
    return claims::generation_of_product(drive.product).value_or("");
}

}  // namespace

void MountService::start() {
    refresh_drives();
    take_stock_first();
}

void MountService::start_under(std::uint64_t epoch, const std::string& gone) {
    gone_ = gone;
    at_desk<Outcome>([epoch](ClaimTable& table) { return table.raise_epoch(epoch); },
                     [this, epoch, gone](const Outcome& raised) {
                         if (raised) {
                             writer_.epoch = epoch;
                             key_ = drive_iface::mount_key(family_, writer_.node_number, epoch);
                             return start();
                         }
                         trouble_ = "the drive table can not be written: " + raised.error().message;
                         runtime::log_warning(trouble_);
                         auto timer =
                             std::make_shared<asio::steady_timer>(loop_, table_asked_again);
                         timer->async_wait([weak = weak_from_this(), timer, epoch,
                                            gone](const std::error_code& error) {
                             const auto self = weak.lock();
                             if (!error && self && !self->stopped_) self->start_under(epoch, gone);
                         });
                     });
}

void MountService::take_stock_first() {
    scan(false, [this](const Outcome& outcome) {
        if (outcome) {
            return recover_all(options_.table.node, [this] {
                if (gone_.empty()) return begin_serving();
                recover_all(gone_, [this] { begin_serving(); });
            });
        }
        trouble_ = outcome.error().message;
        for (const auto& [request, callback] : std::exchange(early_, {}))
            callback(MountFault{MountFault::Kind::busy, trouble_, "not_serving", {}});
        auto timer = std::make_shared<asio::steady_timer>(
            loop_, std::chrono::milliseconds(options_.asked_again.ms));
        timer->async_wait([weak = weak_from_this(), timer](const std::error_code& error) {
            const auto self = weak.lock();
            if (!error && self && !self->stopped_) self->take_stock_first();
        });
    });
}

void MountService::begin_serving() {
    if (serving_) return;
    serving_ = true;
    seen_at_start_.reset();
    doors_.note(Message::mounts_served, "", {options_.table.library});
    let_go_of_unclaimed();
    scan_again_later();
    for (auto& [request, callback] : std::exchange(early_, {}))
        mount(request, callback);
    serve_line();
}

// A reservation may stand for which there is no row: it came to stand after the drive had been
// given up, or the row was lost with another controller's disk. The drive would be in conflict with
// every host until something is mounted there. Once for each drive, when it answers; a claim that
// begins meanwhile sends its commands behind these.
void MountService::let_go_of_unclaimed() {
    using Found = Result<std::vector<Claim>>;
    at_desk<Found>(
        [](ClaimTable& table) { return table.claims(false, claims_recovered_max); },
        [this](const Found& open) {
            if (!open) return;
            std::set<std::string> claimed;
            for (const auto& claim : *open) {
                if (claim.drive) claimed.insert(*claim.drive);
            }
            for (const auto& drive : doors_.reachable_drives()) {
                const auto& serial = drive.serial;
                if (claimed.count(serial) != 0 || without_left_keys_.count(serial) != 0) continue;
                on_drive(
                    serial,
                    [serial, family = family_, own = key_](Transport& device,
                                                           Duration timeout) -> Outcome {
                        const auto gone = let_go_of_left_key(device, family, own, timeout);
                        if (!gone) return gone.error();
                        if (*gone) {
                            runtime::log_info("drive " + serial +
                                              ": a reservation that a controller had left there "
                                              "was taken off");
                        }
                        return Nothing{};
                    },
                    [this, serial](const OrderEnd& end) {
                        if (end.outcome && !end.kept_back) without_left_keys_.insert(serial);
                    });
            }
        });
}

// ---- where everything is

void MountService::inventory_at_robot(bool stock,
                                      std::function<void(const Result<Inventory>&)> then) {
    auto seen = std::make_shared<Result<Inventory>>(core::Error{"the changer was not asked"});
    at_robot(
        [this, stock, seen](Transport& changer) -> MoveEnd {
            if (stock) {
                if (auto taken = take_stock(changer, options_.move_timeout); !taken) {
                    *seen = taken.error();
                    return {};
                }
            }
            *seen = read_inventory(changer, options_.table.media, options_.command_timeout);
            return {};
        },
        [seen, then = std::move(then)](const MoveEnd& end) {
            if (!end.words.empty()) return then(core::Error{end.words});
            then(*seen);
        });
}

void MountService::scan(bool stock, Done done) {
    inventory_at_robot(stock, [this, done = std::move(done)](const Result<Inventory>& inventory) {
        if (!inventory) {
            const auto& words = inventory.error().message;
            const Error trouble = inventory.error().within("the changer can not be asked");
            if (is_new_trouble(trouble.message) && !why_not_acting(false))
                doors_.note(Message::changer_unreachable, "", {words});
            return done(trouble);
        }
        if (!serving_) seen_at_start_ = std::make_shared<const Inventory>(*inventory);
        identify_drives([this, done, seen = *inventory] {
            learn(seen, [this, done](const Outcome& learnt) {
                if (learnt) {
                    scan_trouble_.clear();
                    if (serving_) let_go_of_unclaimed();
                    return done(learnt);
                }
                const Error trouble =
                    learnt.error().within("what the changer shows can not be recorded");
                static_cast<void>(is_new_trouble(trouble.message));
                done(trouble);
            });
        });
    });
}

// What lasts is said once, not every few seconds.
bool MountService::is_new_trouble(const std::string& words) {
    if (scan_trouble_ == words) return false;
    scan_trouble_ = words;
    runtime::log_warning(words);
    return true;
}

// A job of nothing runs when the drive was identified: then its product is known, or it does not
// answer.
void MountService::identify_drives(const std::function<void()>& then) {
    const auto drives = doors_.reachable_drives();
    auto left = std::make_shared<std::size_t>(drives.size());
    if (drives.empty()) return then();
    for (const auto& drive : drives) {
        on_drive(
            drive.serial, [](Transport&, Duration) -> Outcome { return Nothing{}; },
            [left, then](const OrderEnd&) {
                if (--*left == 0) then();
            });
    }
}

// What people and other software do with the library shows, and a drive that did not answer gets
// its generation when it does.
void MountService::scan_again_later() {
    if (scanned_soon_) return;
    scanned_soon_ = true;
    auto timer = std::make_shared<asio::steady_timer>(loop_, changer_looked_at_again);
    timer->async_wait([weak = weak_from_this(), timer](const std::error_code& error) {
        const auto self = weak.lock();
        if (error || !self || self->stopped_) return;
        self->scanned_soon_ = false;
        self->scan(false, [weak](const Outcome&) {
            if (const auto still = weak.lock()) still->scan_again_later();
        });
    });
}

void MountService::learn(const Inventory& inventory, Done done) {
    std::vector<DriveFact> facts;
    std::vector<claims::Volume> volumes = inventory.volumes;
    for (const auto& drive : doors_.reachable_drives()) {
        const auto shown = std::find_if(inventory.drives.begin(), inventory.drives.end(),
                                        [&](const ChangerDrive& seen) {
                                            return drive.element ? seen.element == *drive.element
                                                                 : means_drive(seen, drive.serial);
                                        });
        if (shown == inventory.drives.end()) {
            runtime::log_warning("drive " + drive.serial +
                                 " is not shown by the changer, so nothing is mounted in it: give "
                                 "it the element_address it has there");
            continue;
        }
        facts.push_back({drive.serial, shown->element, generation_of(drive)});
        for (auto& volume : volumes) {
            if (volume.place == claims::Place::drive && volume.element == shown->element)
                volume.drive = drive.serial;
        }
    }
    at_desk<Outcome>(
        [facts, volumes](ClaimTable& table) -> Outcome {
            if (auto learnt = table.learn_drives(facts); !learnt) return learnt;
            return table.learn_volumes(volumes, clock_now().wall);
        },
        [this, done = std::move(done)](const Outcome& outcome) {
            refresh_drives();
            done(outcome);
        });
}

// ---- claims of an earlier life, or of a controller that is gone

void MountService::recover_all(const std::string& node, std::function<void()> then) {
    at_desk<Result<std::vector<Claim>>>(
        [](ClaimTable& table) { return table.claims(false, claims_recovered_max); },
        [this, node, then = std::move(then)](const Result<std::vector<Claim>>& open) {
            if (!open) {
                runtime::log_error("the drive table can not be read: " + open.error().message);
                auto timer = std::make_shared<asio::steady_timer>(
                    loop_, std::chrono::milliseconds(options_.asked_again.ms));
                return timer->async_wait(
                    [weak = weak_from_this(), timer, node, then](const std::error_code& error) {
                        const auto self = weak.lock();
                        if (!error && self && !self->stopped_) self->recover_all(node, then);
                    });
            }
            for (const auto& claim : *open) {
                if (claim.node != node || runs_.contains(claim.id)) continue;
                const auto run = run_of(claim);
                count_deadline_of_earlier_life(run);
                if (claim.state != ClaimState::queued) {
                    recover(run, false, seen_at_start_);
                } else if (claim.node == writer_.node) {
                    wait_in_line(run);
                } else {
                    run->working = true;
                    at_desk<Result<Claim>>(
                        [id = claim.id](ClaimTable& table) {
                            return table.adopt(id, 0, clock_now().wall);
                        },
                        [this, run](const Result<Claim>& adopted) {
                            if (adopted) run->claim = *adopted;
                            wait_in_line(run);
                        });
                }
            }
            then();
        });
}

// What another controller has written is compared with no clock of this one: it has the time that
// it had at its last step, once more. Of this controller's own no more than that is left either.
void MountService::count_deadline_of_earlier_life(const RunPointer& run) {
    const auto now = doors_.now();
    const auto& claim = run->claim;
    const auto at_last_step =
        std::max(core::Duration{}, core::Duration{claim.deadline.ms - claim.changed_at.ms});
    const auto by_own_clock =
        std::max(core::Duration{}, core::Duration{claim.deadline.ms - now.wall.ms});
    const bool own = claim.node == writer_.node;
    run->until = now.monotonic + (own ? std::min(at_last_step, by_own_clock) : at_last_step);
    run->until_of = claim.deadline;
}

// `seen`: what the changer has just shown. It is good enough for a volume that nothing moves; the
// first mount would wait while the changer is asked once for each of them.
void MountService::recover(const RunPointer& run, bool looked_again,
                           const std::shared_ptr<const Inventory>& seen) {
    run->working = true;
    run->step = "looks at drive and changer after a restart";
    auto holder = std::make_shared<DriveHolder>();
    for_claim(
        run,
        [holder, family = family_, own = key_](Transport& drive, Duration timeout) -> Outcome {
            *holder = look_at_holder(drive, family, own, timeout);
            return Nothing{};
        },
        [this, run, holder, looked_again, seen](const Outcome& outcome) {
            const auto held = outcome ? holder->held : HeldBy::no_answer;
            if (seen && run->claim.state == ClaimState::mounted)
                return decide(run, held, *seen, looked_again);
            inventory_at_robot(false,
                               [this, run, held, looked_again](const Result<Inventory>& shown) {
                                   decide(run, held, shown, looked_again);
                               });
        });
}

void MountService::decide(const RunPointer& run, HeldBy held, const Result<Inventory>& seen,
                          bool looked_again) {
    auto medium = Whereabouts::no_answer;
    std::optional<std::uint16_t> slot;
    if (const auto row = last_drives_.find(*run->claim.drive); seen && row != last_drives_.end()) {
        medium = whereabouts_of(*seen, run->claim.volume, row->second.element);
        slot = slot_of(*seen, run->claim.volume);
    }
    const auto row = claims::recovery_of(run->claim.state, held, medium, looked_again);
    const std::string words = of_claim(run->claim) + " of volume " + run->claim.volume + " was " +
                              std::string(to_text(run->claim.state)) + ", the drive is held by " +
                              std::string(to_text(held)) + ", the cartridge is in " +
                              std::string(to_text(medium)) + ": " +
                              std::string(to_text(row.recovery)) + ", " + std::string(row.why);
    if (std::exchange(run->judged, words) != words) runtime::log_info(words);
    if (row.recovery == Recovery::ask_again) {
        run->step = "asks again soon: " + std::string(row.why);
        refresh_drives();
        return after(options_.asked_again, run,
                     [this, run, looked_again] { recover(run, looked_again); });
    }
    at_desk<Result<Claim>>(
        [id = run->claim.id, key = key_](ClaimTable& table) {
            return table.adopt(id, key, clock_now().wall);
        },
        [this, run, row, slot](const Result<Claim>& adopted) {
            if (!adopted) return stuck(run, adopted.error().message);
            go_on_adopted(run, *adopted, row, slot);
        });
}

// It was judged by a look that holds nothing. A commit that was in doubt until then may have come
// to be since, while the table waited for it: then the row is another.
void MountService::go_on_adopted(const RunPointer& run, const Claim& adopted,
                                 const claims::RecoveryRow& row,
                                 const std::optional<std::uint16_t>& slot) {
    if (adopted.state == ClaimState::queued) return released(run, adopted);
    const bool as_judged = adopted.state == row.state && adopted.drive == run->claim.drive;
    run->claim = adopted;
    if (!as_judged) return recover(run, false);
    doors_.note(Message::claim_recovered, *run->claim.drive,
                {"claim " + std::to_string(run->claim.id), run->claim.volume,
                 std::string(to_text(row.recovery)), std::string(row.why)});
    act_on(run, row, slot);
}

void MountService::act_on(const RunPointer& run, const claims::RecoveryRow& row,
                          const std::optional<std::uint16_t>& slot) {
    const std::string serial = *run->claim.drive;
    const bool was_unloading = row.state == ClaimState::unloading;
    const bool was_out = was_unloading || row.state == ClaimState::mounted;
    if (!run->decided) {
        run->ending = {};
        run->ending.ending = was_out ? ClaimEnding::unmounted : ClaimEnding::undone;
        run->ending.reason = was_out ? "" : std::string(row.why);
    }
    run->ending.slot = slot;
    switch (row.recovery) {
        case Recovery::free_drive:
            if (!run->decided) {
                run->ending.wait_again =
                    !was_out && claims::waits_again(run->claim, time_left(run));
            }
            return give_drive_back(run, run->ending);
        case Recovery::finish_load:
            return for_claim(
                run,
                [family = family_, own = key_](Transport& drive, Duration timeout) -> Outcome {
                    auto hold = hold_drive(drive, family, own, timeout);
                    if (!hold) return hold.error();
                    return Nothing{};
                },
                [this, run](const Outcome& held) {
                    if (held) return wait_until_ready(run);
                    after(options_.asked_again, run, [this, run] { recover(run, false); });
                });
        case Recovery::stay_mounted:
            run->handed_over = true;
            if (row.state == ClaimState::unloading)
                return stays_mounted(run, std::string(row.why), true);
            return ready(run);
        case Recovery::take_home:
            return take_back(run);
        case Recovery::look_again:
            return inventory_at_robot(
                true, [this, run](const Result<Inventory>&) { recover(run, true); });
        case Recovery::quarantine:
            run->try_another = false;
            run->ending.wait_again = false;
            run->ending.ending = ClaimEnding::volume_failed;
            run->ending.reason = std::string(row.why);
            run->ending.quarantine_drive = std::string(row.why);
            run->ending.medium_in_drive = row.medium == Whereabouts::its_drive;
            doors_.note(Message::mount_drive_quarantined, serial, {serial, std::string(row.why)});
            return record_release(run, run->ending);
        case Recovery::ask_again:
            break;
    }
}

}  // namespace agent::mounts

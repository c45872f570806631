// The way of a request to a reserved drive.

#include <algorithm>
#include <chrono>
#include <future>

#include "agent/mounts/drive_hold.hpp"
#include "agent/mounts/mount_run.hpp"
#include "agent/mounts/mount_service.hpp"
#include "agent/runtime/clock.hpp"

namespace agent::mounts {

using claims::Claim;
using claims::ClaimEnding;
using core::Error;
using core::Message;
using core::Nothing;
using core::Outcome;
using runtime::clock_now;

namespace {

constexpr std::size_t drives_tried_max = 2;

MountFault not_mountable(const claims::MountRefusal& refusal) {
    return {MountFault::Kind::not_mountable, refusal.words, std::string(to_text(refusal.why)), {}};
}

MountFault no_drive(const NoDrive& none) {
    std::string words = "no drive is available: " + to_text(none.counts);
    if (none.queue_full.empty())
        return {MountFault::Kind::no_drive, words + "; --wait waits for one", "none", none.counts};
    return {MountFault::Kind::no_drive, words + "; " + none.queue_full, "queue_full", none.counts};
}

// What the table says of places may be older than what the changer would say.
bool may_be_there_by_now(claims::NotMountable why) {
    return why == claims::NotMountable::unknown || why == claims::NotMountable::not_in_library ||
           why == claims::NotMountable::inaccessible ||
           why == claims::NotMountable::in_another_drive;
}

}  // namespace

void MountService::take(const MountRequest& request, std::vector<std::string> not_these,
                        bool is_new, MountCallback callback) {
    const auto known = doors_.known_drives(request.host);
    at_desk<Taken>(
        [this, request, known, not_these](ClaimTable& table) {
            return take_at_desk(table, request, known, not_these);
        },
        [this, request, is_new, callback](const Taken& result) {
            taken(result, request, is_new, callback);
        });
}

// Lock, commit (claimed), PERSISTENT RESERVE OUT, commit (reserved), unlock. On the desk's thread.
MountService::Taken MountService::take_at_desk(ClaimTable& table, const MountRequest& request,
                                               const std::vector<claims::KnownDrive>& known,
                                               std::vector<std::string> not_these) {
    Taken result;
    if (auto locked = table.lock(); !locked) return Taken(locked.error());
    std::optional<Claim> given_back;
    for (std::size_t failures = 0;;) {
        auto begun = table.begin(request, known, not_these, key_, clock_now().wall);
        if (!begun) {
            result.trouble = begun.error();
            break;
        }
        const auto* claimed = std::get_if<DriveClaimed>(&begun.value());
        if (claimed == nullptr) {
            result.begun = std::move(begun).value();
            break;
        }
        const auto id = claimed->claim.id;
        const auto& serial = claimed->drive.serial;
        bool refused = false;
        const auto end = hold_at_desk(serial, refused);
        const auto& held = end.outcome;
        if (held) {
            auto reserved = table.step(id, claims::ClaimEvent::drive_reserved, clock_now().wall);
            if (reserved) result.reserved = *reserved;
            if (!reserved) result.trouble = reserved.error();
            break;
        }
        if (end.kept_back) {
            // Nobody's failure; the row shows what was begun.
            result.trouble = held.error();
            break;
        }
        ClaimRelease how;
        how.wait_again = true;
        how.reason = held.error().message;
        if (!refused) {
            ++failures;
            how.failed_drive = serial;
            const auto blame = table.record_failure({request.volume, serial}, false,
                                                    held.error().message, clock_now().wall);
            if (blame && blame->drive) how.quarantine_drive = held.error().message;
            if (blame && blame->drive) result.quarantined.push_back(serial);
            if (blame && blame->volume) result.volume_quarantined = held.error().message;
        }
        result.failures.push_back("drive " + serial + ": " + held.error().message);
        auto released = table.release(id, how, clock_now().wall);
        if (!released) {
            result.trouble = released.error();
            break;
        }
        given_back = *released;
        not_these.push_back(serial);
        if (failures >= drives_tried_max) {
            result.failed = *released;
            break;
        }
    }
    // A request that does not wait leaves no row behind that does.
    const bool none_left = result.begun && std::holds_alternative<NoDrive>(*result.begun);
    if (given_back && (none_left || result.failed)) {
        ClaimRelease how;
        how.ending = ClaimEnding::drive_failed;
        for (const auto& failure : result.failures)
            how.reason += (how.reason.empty() ? "" : "; ") + failure;
        auto ended = table.release(given_back->id, how, clock_now().wall);
        if (ended) result.failed = *ended;
        if (!ended) result.trouble = ended.error();
    }
    table.unlock();
    return result;
}

// The one thing the desk waits for: a few commands to the drive, on the drive's own thread.
MountService::OrderEnd MountService::hold_at_desk(const std::string& serial, bool& refused) {
    struct Answer {
        std::promise<void> given;
        std::atomic<bool> abandoned = false;
        Outcome outcome = Nothing{};
        bool refused = false;
        bool kept_back = false;
    };
    auto answer = std::make_shared<Answer>();
    auto given = answer->given.get_future();
    const auto timeout = std::min(options_.reserve_timeout, core::Duration{5'000});
    asio::post(
        loop_, [weak = weak_from_this(), serial, answer, timeout, family = family_, own = key_] {
            const auto self = weak.lock();
            if (!self || self->stopped_) return;
            self->on_drive(
                serial,
                [answer, timeout, family, own](drive_iface::Transport& drive,
                                               core::Duration) -> Outcome {
                    if (answer->abandoned) return Error{"too late"};
                    auto hold = hold_drive(drive, family, own, timeout);
                    if (!hold) return hold.error();
                    answer->refused = hold->refused;
                    if (hold->refused) return Error{"it is reserved: " + hold->words};
                    return Nothing{};
                },
                [self, serial, answer, family, own](const OrderEnd& end) {
                    const auto& outcome = end.outcome;
                    answer->kept_back = end.kept_back;
                    if (answer->abandoned) {
                        if (!outcome) return;
                        // It came to stand after nobody waited for it any more.
                        return self->on_drive(
                            serial,
                            [family, own](drive_iface::Transport& drive, core::Duration patience) {
                                return let_go_of_drive(drive, family, own, patience);
                            },
                            [](const OrderEnd&) {});
                    }
                    answer->outcome = outcome;
                    answer->given.set_value();
                });
        });
    using namespace std::chrono_literals;
    const auto until =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(options_.reserve_timeout.ms);
    while (given.wait_for(50ms) != std::future_status::ready) {
        if (!*stopping_ && std::chrono::steady_clock::now() < until) continue;
        answer->abandoned = true;
        return {Error{"it did not answer PERSISTENT RESERVE OUT within " +
                      std::to_string(options_.reserve_timeout.ms) + " ms"}};
    }
    refused = answer->refused;
    return {answer->outcome, answer->kept_back};
}

// Not new: the claim was in the line, whoever waits for it is known, and `callback` hears of
// trouble only.
void MountService::taken(const Taken& result, const MountRequest& request, bool is_new,
                         const MountCallback& callback) {
    refresh_drives();
    for (const auto& failure : result.failures)
        doors_.note(Message::mount_drive_refused, "", {request.volume, failure});
    for (const auto& serial : result.quarantined)
        doors_.note(Message::mount_drive_quarantined, serial,
                    {serial, "it failed with two volumes"});
    if (!result.volume_quarantined.empty())
        doors_.note(Message::mount_volume_quarantined, "",
                    {request.volume, result.volume_quarantined});
    if (!result.trouble)
        return callback(
            MountFault{MountFault::Kind::failed, result.trouble.error().message, "table", {}});
    if (result.reserved) {
        const auto run = run_of(*result.reserved);
        if (is_new) run->waiters.push_back(callback);
        arm_deadline(run);
        return begin_move(run);
    }
    if (result.failed) {
        const auto run = run_of(*result.failed);
        if (is_new) run->waiters.push_back(callback);
        return settle(run, fault_of(*result.failed));
    }
    if (const auto* known = std::get_if<AlreadyKnown>(&*result.begun))
        return attach(known->claim, callback);
    if (const auto* refusal = std::get_if<claims::MountRefusal>(&*result.begun)) {
        if (!is_new || request.stock_taken || !may_be_there_by_now(refusal->why))
            return callback(not_mountable(*refusal));
        auto again = request;
        again.stock_taken = true;
        return scan(false,
                    [this, again, callback](const Outcome&) { take(again, {}, true, callback); });
    }
    if (const auto* none = std::get_if<NoDrive>(&*result.begun)) return callback(no_drive(*none));
    const auto run = run_of(std::get<InLine>(*result.begun).claim);
    if (is_new) run->waiters.push_back(callback);
    wait_in_line(run);
}

}  // namespace agent::mounts

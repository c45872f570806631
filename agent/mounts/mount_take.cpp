// The way of a request to a reserved drive.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>

#include "agent/mounts/drive_hold.hpp"
#include "agent/mounts/mount_run.hpp"
#include "agent/mounts/mount_service.hpp"
#include "agent/runtime/clock.hpp"

namespace agent::mounts {

using claims::Claim;
using claims::ClaimEnding;
using claims::ClaimState;
using core::Error;
using core::Message;
using core::Nothing;
using core::Outcome;
using core::Result;
using runtime::clock_now;

namespace {

constexpr std::size_t drives_tried_max = 2;
constexpr std::size_t claims_taken_up_max = 10'000;

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

// `in_line`: the run of a claim that is known; null for a new request. `callback` hears of a new
// request's end, and why one in line can not be served now.
void MountService::take(MountRequest request, std::vector<std::string> not_these,
                        const RunPointer& in_line, MountCallback callback) {
    const auto known = doors_.known_drives(request.host);
    request.affinity = doors_.preferred_drives(request.host);
    at_desk<Taken>(
        [this, request, known, not_these = std::move(not_these), key = key_](ClaimTable& table) {
            return take_at_desk(table, request, known, not_these, key);
        },
        [this, request, in_line, callback = std::move(callback)](const Taken& result) {
            taken(result, request, in_line, callback);
        });
}

namespace {

struct TryFailure {
    const std::string& volume;
    const std::string& serial;
    const std::string& words;
};

// What a drive that did not let itself be reserved leaves behind.
ClaimRelease release_after(const TryFailure& failure, bool refused) {
    ClaimRelease how;
    how.wait_again = true;
    how.reason = failure.words;
    if (!refused) how.failed_drive = failure.serial;
    return how;
}

std::string of_drive(const std::string& serial, const std::string& words) {
    return "drive " + serial + ": " + words;
}

std::string all_of(const std::vector<std::string>& failures) {
    std::string words;
    for (const auto& failure : failures)
        words += (words.empty() ? "" : "; ") + failure;
    return words;
}

}  // namespace

// Lock, commit (claimed), PERSISTENT RESERVE OUT, commit (reserved), unlock. On the desk's thread.
MountService::Taken MountService::take_at_desk(ClaimTable& table, const MountRequest& request,
                                               const std::vector<claims::KnownDrive>& known,
                                               std::vector<std::string> not_these,
                                               std::uint64_t key) {
    Taken result;
    if (auto locked = table.lock(); !locked) return Taken(locked.error());
    std::optional<Claim> given_back;
    for (std::size_t failures = 0; failures < drives_tried_max;) {
        auto begun = table.begin(request, known, not_these, key, clock_now().wall);
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
        const auto end = hold_at_desk(serial, key, refused);
        if (end.outcome) {
            auto reserved = table.step(id, claims::ClaimEvent::drive_reserved, clock_now().wall);
            if (reserved) result.reserved = *reserved;
            if (!reserved) result.trouble = reserved.error();
            break;
        }
        const auto& words = end.outcome.error().message;
        if (end.kept_back) {
            // Nobody's failure; the row shows what was begun.
            result.trouble = end.outcome.error();
            break;
        }
        auto how = release_after({request.volume, serial, words}, refused);
        if (!refused) {
            ++failures;
            const auto blame =
                table.record_failure({request.volume, serial}, false, words, clock_now().wall);
            if (blame && blame->drive) how.quarantine_drive = words;
            if (blame && blame->drive) result.quarantined.push_back(serial);
            if (blame && blame->volume) result.volume_quarantined = words;
        }
        result.failures.push_back(of_drive(serial, words));
        auto released = table.release(id, how, clock_now().wall);
        if (!released) {
            result.trouble = released.error();
            break;
        }
        given_back = *released;
        not_these.push_back(serial);
    }
    // Of all that gave a drive back only those go on that got another one or stand in line.
    const bool in_line = result.begun && std::holds_alternative<InLine>(*result.begun);
    if (given_back && result.trouble && !result.reserved && !in_line) {
        ClaimRelease how;
        // Hosts that were quicker are no failure: the answer is that there is no drive.
        how.ending = given_back->failed_drive ? ClaimEnding::drive_failed : ClaimEnding::undone;
        if (!result.volume_quarantined.empty()) how.ending = ClaimEnding::volume_failed;
        how.reason = all_of(result.failures);
        auto ended = table.release(given_back->id, how, clock_now().wall);
        if (ended) result.ended = *ended;
        if (!ended) result.trouble = ended.error();
    }
    table.unlock();
    return result;
}

namespace {

// Between the desk, which waits for a bounded time, and the drive's thread.
struct HoldAnswer {
    std::promise<void> given;
    // Set by whoever is first: the job at its end, or the desk that has waited long enough.
    std::atomic<bool> decided = false;
    std::atomic<bool> in_time = false;  // the job was first
    bool refused = false;
    Outcome outcome = Nothing{};
    bool kept_back = false;
};

// On the drive's thread.
Outcome hold_in_time(drive_iface::Transport& drive, std::uint64_t family, std::uint64_t key,
                     core::Duration timeout, HoldAnswer& answer) {
    const Error late{"too late"};
    if (answer.decided) return late;
    const auto hold = hold_drive(drive, family, key, timeout);
    if (hold) answer.refused = hold->refused;
    if (answer.decided.exchange(true)) {
        // Nobody waits for it any more, and the drive is free in the table. Here, before the next
        // claim's reservation, which has the same key.
        if (hold && hold->refused) return late;
        if (auto gone = let_go_of_drive(drive, family, key, timeout); !gone) return gone;
        return late;
    }
    answer.in_time = true;
    if (!hold) return hold.error();
    if (hold->refused) return Error{"it is reserved: " + hold->words};
    return Nothing{};
}

}  // namespace

// The one thing the desk waits for: a few commands to the drive, on the drive's own thread.
MountService::OrderEnd MountService::hold_at_desk(const std::string& serial, std::uint64_t key,
                                                  bool& refused) {
    auto answer = std::make_shared<HoldAnswer>();
    auto given = answer->given.get_future();
    const auto timeout = std::min(options_.reserve_timeout, core::Duration{5'000});
    asio::post(loop_, [weak = weak_from_this(), serial, answer, timeout, family = family_, key] {
        const auto self = weak.lock();
        if (!self || self->stopped_) return;
        self->on_drive(
            serial,
            [answer, timeout, family, key](drive_iface::Transport& drive, core::Duration) {
                return hold_in_time(drive, family, key, timeout, *answer);
            },
            [answer](const OrderEnd& end) {
                // Of a job that was never begun nobody has decided anything yet.
                if (!answer->in_time && answer->decided.exchange(true)) return;
                answer->outcome = end.outcome;
                answer->kept_back = end.kept_back;
                answer->given.set_value();
            });
    });
    using namespace std::chrono_literals;
    const auto until =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(options_.reserve_timeout.ms);
    while (given.wait_for(50ms) != std::future_status::ready) {
        if (*stopping_) return {Error{"this controller stops"}, true};
        if (std::chrono::steady_clock::now() < until || answer->decided.exchange(true)) continue;
        return {Error{"it did not answer PERSISTENT RESERVE OUT within " +
                      std::to_string(options_.reserve_timeout.ms) + " ms"}};
    }
    refused = answer->refused;
    return {answer->outcome, answer->kept_back};
}

void MountService::taken(const Taken& result, const MountRequest& request,
                         const RunPointer& in_line, const MountCallback& callback) {
    refresh_drives();
    for (const auto& failure : result.failures)
        doors_.note(Message::mount_drive_refused, "", {request.volume, failure});
    for (const auto& serial : result.quarantined) {
        doors_.note(Message::mount_drive_quarantined, serial,
                    {serial, "it failed with two volumes"});
    }
    if (!result.volume_quarantined.empty()) {
        doors_.note(Message::mount_volume_quarantined, "",
                    {request.volume, result.volume_quarantined});
    }
    if (!result.trouble) {
        const auto& words = result.trouble.error().message;
        if (in_line) return stuck(in_line, words);
        // Something of it may be in the table.
        take_up_later();
        return callback(MountFault{MountFault::Kind::failed, words, "table", {}});
    }
    if (result.reserved) {
        const auto run = run_of(*result.reserved);
        if (!in_line) run->waiters.push_back(callback);
        arm_deadline(run);
        return begin_move(run);
    }
    const auto* none = result.begun ? std::get_if<NoDrive>(&*result.begun) : nullptr;
    const auto* refusal =
        result.begun ? std::get_if<claims::MountRefusal>(&*result.begun) : nullptr;
    if (result.ended) {
        const auto run = run_of(*result.ended);
        if (!in_line) run->waiters.push_back(callback);
        // Undone: of failures there were none, so the answer is the one without a drive.
        if (result.ended->ending != ClaimEnding::undone)
            return settle(run, fault_of(*result.ended));
        if (none != nullptr) return settle(run, no_drive(*none));
        return settle(run, refusal != nullptr ? not_mountable(*refusal) : fault_of(*result.ended));
    }
    if (const auto* known = std::get_if<AlreadyKnown>(&*result.begun)) {
        if (!in_line) return attach(known->claim, callback);
        return stuck(in_line, "its row has changed meanwhile");
    }
    if (refusal != nullptr) {
        if (in_line || request.stock_taken || !may_be_there_by_now(refusal->why))
            return callback(not_mountable(*refusal));
        auto again = request;
        again.stock_taken = true;
        return scan(
            false, [this, again, callback](const Outcome&) { take(again, {}, nullptr, callback); });
    }
    if (none != nullptr) return callback(no_drive(*none));
    const auto run = run_of(std::get<InLine>(*result.begun).claim);
    if (!in_line) run->waiters.push_back(callback);
    wait_in_line(run);
}

// ---- claims that are known

void MountService::take_from_line(const RunPointer& run, std::vector<std::string> not_these) {
    run->working = true;  // until the desk has answered
    MountRequest request;
    request.request = run->claim.request;
    request.volume = run->claim.volume;
    request.host = run->claim.host;
    request.access = run->claim.access;
    request.wait = run->claim.wait;
    request.deadline = run->claim.deadline;
    take(request, std::move(not_these), run, [this, run](const MountAnswer& answer) {
        if (const auto* fault = std::get_if<MountFault>(&answer)) not_served(run, *fault);
    });
}

// What can not be mounted any more is told; who does not wait gets one other drive, now or never.
void MountService::not_served(const RunPointer& run, const MountFault& fault) {
    if (run->claim.state != ClaimState::queued) return;
    run->working = false;
    if (run->withdrawn) return withdraw_now(run);
    if (fault.kind == MountFault::Kind::not_mountable)
        return withdraw(run, ClaimEnding::volume_failed, fault.words);
    if (fault.kind == MountFault::Kind::no_drive && !run->claim.wait) {
        return withdraw(run,
                        run->claim.failed_drive ? ClaimEnding::drive_failed : ClaimEnding::undone,
                        run->failure.empty() ? fault.words : run->failure + "; " + fault.words);
    }
    wait_in_line(run);
}

// Open claims of this controller that nobody works on: a commit nobody could vouch for has left
// them. It may still wait for its standby, so that nobody sees it; asked again until it is over.
void MountService::take_up_later() {
    if (taken_up_soon_) return;
    taken_up_soon_ = true;
    auto timer = std::make_shared<asio::steady_timer>(
        loop_, std::chrono::milliseconds(options_.asked_again.ms));
    timer->async_wait([weak = weak_from_this(), timer](const std::error_code& e) {
        const auto self = weak.lock();
        if (e || !self || self->stopped_) return;
        self->taken_up_soon_ = false;
        self->at_desk<Result<std::vector<Claim>>>(
            [](ClaimTable& table) -> Result<std::vector<Claim>> {
                if (auto settled = table.settle(); !settled) return settled.error();
                return table.claims(false, claims_taken_up_max);
            },
            [self](const Result<std::vector<Claim>>& open) {
                if (!open) return self->take_up_later();
                for (const auto& claim : *open) {
                    const bool ours = claim.node == self->writer_.node;
                    if (!ours || claim.state == ClaimState::mounted || self->find_run(claim.id))
                        continue;
                    const auto run = self->run_of(claim);
                    if (claim.state == ClaimState::queued) {
                        self->wait_in_line(run);
                    } else {
                        self->arm_deadline(run);
                        self->recover(run, false);
                    }
                }
            });
    });
}

}  // namespace agent::mounts

#include "agent/mounts/mount_service.hpp"

#include <algorithm>
#include <chrono>
#include <future>

#include "agent/mounts/drive_hold.hpp"
#include "agent/mounts/mount_run.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/runtime/log.hpp"
#include "drive_iface/device/mount_key.hpp"

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

constexpr std::size_t desk_jobs_max = 1'024;
constexpr std::size_t robot_jobs_max = 1'024;
constexpr std::size_t early_requests_max = 256;
constexpr std::size_t drives_tried_max = 2;
constexpr auto line_interval = std::chrono::seconds(2);
constexpr auto claim_of_other_interval = std::chrono::milliseconds(500);

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

bool is_number(const std::string& text) {
    return !text.empty() && text.size() <= 18 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

MountRequest request_of(const Claim& claim) {
    MountRequest request;
    request.request = claim.request;
    request.volume = claim.volume;
    request.host = claim.host;
    request.access = claim.access;
    request.wait = claim.wait;
    request.deadline = claim.deadline;
    return request;
}

}  // namespace

// ---- opening

Result<std::shared_ptr<MountService>> MountService::open(
    asio::io_context& loop, MountServiceOptions options, std::unique_ptr<SqlSession> session,
    std::unique_ptr<drive_iface::Transport> changer, MountDoors doors) {
    ClaimTable table(std::move(session), options.table);
    auto writer = table.enroll();
    if (!writer) return writer.error().within("the drive table");
    return std::shared_ptr<MountService>(new MountService(
        loop, std::move(options), std::move(table), std::move(changer), std::move(doors)));
}

MountService::MountService(asio::io_context& loop, MountServiceOptions options, ClaimTable table,
                           std::unique_ptr<drive_iface::Transport> changer, MountDoors doors)
    : loop_(loop),
      options_(std::move(options)),
      doors_(std::move(doors)),
      writer_(table.writer()),
      family_(drive_iface::mount_key_family(options_.table.library)),
      key_(drive_iface::mount_key(family_, writer_.node_number, writer_.epoch)),
      stopping_(std::make_shared<std::atomic<bool>>(false)),
      table_(std::make_unique<ClaimTable>(std::move(table))),
      changer_(std::move(changer)),
      desk_(std::make_unique<Worker>(desk_jobs_max)),
      robot_(std::make_unique<Worker>(robot_jobs_max)) {}

MountService::~MountService() {
    stop();
}

void MountService::stop() {
    stopped_ = true;
    stopping_->store(true);
    desk_->stop();
    robot_->stop();
    for (const auto& [id, run] : runs_) {
        run->deadline.cancel();
        run->pause.cancel();
    }
}

// ---- requests

std::optional<MountFault> MountService::why_not_now(bool new_request) const {
    if (!serving_) return MountFault{MountFault::Kind::busy, trouble_, "not_serving", {}};
    const auto right = doors_.acting();
    if (pair::may_send(right, clock_now().monotonic) && (right.may_claim || !new_request))
        return std::nullopt;
    return MountFault{MountFault::Kind::busy,
                      "this controller may not act now: the other one has the drives",
                      "not_active",
                      {}};
}

void MountService::mount(const MountRequest& request, MountCallback callback) {
    if (!serving_) {
        if (early_.size() < early_requests_max)
            early_.emplace_back(request, std::move(callback));
        else
            callback(MountFault{MountFault::Kind::busy, trouble_, "not_serving", {}});
        return;
    }
    if (auto fault = why_not_now(true)) return callback(*fault);
    take(request, {}, true, std::move(callback));
}

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

void MountService::wait_in_line(const RunPointer& run) {
    run->working = false;
    run->step = "waits for a drive";
    arm_deadline(run);
    serve_line_later();
}

void MountService::arm_deadline(const RunPointer& run) {
    const auto left = std::max<std::int64_t>(0, run->claim.deadline.ms - clock_now().wall.ms);
    run->deadline.expires_after(std::chrono::milliseconds(left));
    run->deadline.async_wait(
        [weak = weak_from_this(), id = run->claim.id](const std::error_code& error) {
            const auto self = weak.lock();
            if (error || !self || self->stopped_) return;
            const auto late = self->find_run(id);
            if (!late || late->claim.state == ClaimState::mounted) return;
            late->ending = {};
            late->ending.ending = ClaimEnding::deadline_passed;
            late->ending.reason = "its deadline passed before the volume was mounted";
            self->withdraw(late);
        });
}

// A request that is known: its end, or whoever works on it tells it.
void MountService::attach(const Claim& claim, const MountCallback& callback) {
    if (claim.state == ClaimState::mounted) return callback(claim);
    if (claim.state == ClaimState::ended) return callback(fault_of(claim));
    if (const auto run = find_run(claim.id)) {
        run->waiters.push_back(callback);
        return;
    }
    watch_claim(claim.id, callback);
}

// Of a claim that another controller works on.
void MountService::watch_claim(std::uint64_t id, const MountCallback& callback) {
    auto timer = std::make_shared<asio::steady_timer>(loop_, claim_of_other_interval);
    timer->async_wait([weak = weak_from_this(), timer, id, callback](const std::error_code& e) {
        const auto self = weak.lock();
        if (e || !self || self->stopped_) return;
        self->at_desk<Result<std::optional<Claim>>>(
            [id](ClaimTable& table) { return table.claim(id); },
            [self, id, callback](const Result<std::optional<Claim>>& found) {
                if (!found || !*found) {
                    return callback(MountFault{MountFault::Kind::failed,
                                               found ? "the claim is gone" : found.error().message,
                                               "table",
                                               {}});
                }
                const auto state = (*found)->state;
                if (state == ClaimState::mounted || state == ClaimState::ended)
                    return self->attach(**found, callback);
                self->watch_claim(id, callback);
            });
    });
}

MountFault MountService::fault_of(const Claim& ended) {
    const std::string name = "claim " + std::to_string(ended.id) + " of volume " + ended.volume;
    MountFault fault;
    fault.reason = std::string(to_text(ended.ending));
    fault.words = name + " has ended: " + (ended.reason.empty() ? fault.reason : ended.reason);
    switch (ended.ending) {
        case ClaimEnding::drive_failed:
        case ClaimEnding::volume_failed:
            fault.kind = MountFault::Kind::drive_failed;
            break;
        case ClaimEnding::cancelled:
        case ClaimEnding::deadline_passed:
            fault.kind = MountFault::Kind::withdrawn;
            break;
        case ClaimEnding::unmounted:
            fault.words = name + " was mounted and unmounted; a new mount needs another --request";
            fault.kind = MountFault::Kind::differs;
            break;
        case ClaimEnding::undone:
        case ClaimEnding::none:
            fault.kind = MountFault::Kind::differs;
            break;
    }
    return fault;
}

// ---- the line

void MountService::serve_line_later() {
    if (line_served_soon_) return;
    line_served_soon_ = true;
    auto timer = std::make_shared<asio::steady_timer>(loop_, line_interval);
    timer->async_wait([weak = weak_from_this(), timer](const std::error_code& e) {
        const auto self = weak.lock();
        if (e || !self || self->stopped_) return;
        self->line_served_soon_ = false;
        self->serve_line();
    });
}

// In order, and past those that nothing can be done for now.
void MountService::serve_line() {
    bool some = false;
    if (why_not_now(false)) return serve_line_later();
    for (const auto& [id, run] : runs_) {
        if (run->working || run->claim.state != ClaimState::queued) continue;
        some = true;
        std::vector<std::string> not_these;
        if (run->claim.failed_drive) not_these.push_back(*run->claim.failed_drive);
        run->working = true;  // until the desk has answered
        take(request_of(run->claim), not_these, false,
             [weak = weak_from_this(), id = id](const MountAnswer& answer) {
                 const auto self = weak.lock();
                 const auto served = self ? self->find_run(id) : nullptr;
                 // What can not be mounted any more is told; trouble with the table passes.
                 const auto* fault = std::get_if<MountFault>(&answer);
                 if (!served || fault == nullptr || served->claim.state != ClaimState::queued)
                     return;
                 served->working = false;
                 if (fault->kind != MountFault::Kind::not_mountable) return;
                 served->ending = {};
                 served->ending.ending = ClaimEnding::volume_failed;
                 served->ending.reason = fault->words;
                 self->withdraw(served);
             });
    }
    if (some) serve_line_later();
}

// ---- runs

MountService::RunPointer MountService::run_of(const Claim& claim) {
    auto& run = runs_[claim.id];
    if (!run) run = std::make_shared<Run>(loop_);
    run->claim = claim;
    return run;
}

MountService::RunPointer MountService::find_run(std::uint64_t id) const {
    const auto found = runs_.find(id);
    return found == runs_.end() ? nullptr : found->second;
}

void MountService::settle(const RunPointer& run, const MountAnswer& answer) {
    run->deadline.cancel();
    run->pause.cancel();
    run->working = false;
    if (const auto found = runs_.find(run->claim.id);
        found != runs_.end() && found->second == run && run->claim.state != ClaimState::queued)
        runs_.erase(found);
    refresh_drives();
    for (const auto& waiter : std::exchange(run->waiters, {}))
        waiter(answer);
    for (const auto& unmounter : std::exchange(run->unmounters, {}))
        unmounter(answer);
}

MountService::Load MountService::load() const {
    Load load;
    for (const auto& [id, run] : runs_) {
        if (run->claim.state == ClaimState::queued) ++load.queued;
        const bool moves =
            run->claim.state == ClaimState::loading || run->claim.state == ClaimState::unloading;
        if (run->working && moves) load.moving = true;
        if (run->working && run->claim.state != ClaimState::queued) ++load.running;
    }
    for (const auto& [serial, row] : last_drives_) {
        if (row.state == claims::DriveState::mounted) ++load.running;
    }
    return load;
}

void MountService::hand_back_queue(const std::string& words) {
    std::vector<RunPointer> queued;
    for (const auto& [id, run] : runs_) {
        if (run->claim.state == ClaimState::queued && !run->working) queued.push_back(run);
    }
    for (const auto& run : queued) {
        run->ending = {};
        run->ending.ending = ClaimEnding::cancelled;
        run->ending.reason = words;
        withdraw(run);
    }
}

void MountService::refresh_drives() {
    list_drives([this](const Result<std::vector<claims::DriveRow>>& rows) {
        if (!rows) return;
        last_drives_.clear();
        for (const auto& row : *rows)
            last_drives_[row.serial] = row;
    });
}

// ---- questions

void MountService::find_claim(const std::string& name,
                              std::function<void(const Result<std::optional<Claim>>&)> then) {
    at_desk<Result<std::optional<Claim>>>(
        [name](ClaimTable& table) {
            // A barcode may be digits too, with zeros in front.
            if (is_number(name) && name.front() != '0') {
                auto found = table.claim(std::stoull(name));
                if (!found || *found) return found;
            }
            auto found = table.claim_of_volume(name);
            if (!found || *found) return found;
            return table.claim_of_request(name);
        },
        std::move(then));
}

void MountService::list_claims(bool all, ClaimsCallback callback) {
    constexpr std::size_t claims_shown_max = 1'000;
    using Found = Result<std::vector<ClaimView>>;
    at_desk<Found>(
        [all](ClaimTable& table) -> Found {
            auto found = table.claims(all, claims_shown_max);
            if (!found) return found.error();
            auto line = table.line();
            if (!line) return line.error();
            std::vector<ClaimView> views;
            for (const auto& claim : *found) {
                ClaimView view{claim, 0, ""};
                const auto at = std::find_if(line->begin(), line->end(), [&](const Claim& waiting) {
                    return waiting.id == claim.id;
                });
                if (at != line->end())
                    view.position = static_cast<std::size_t>(at - line->begin()) + 1;
                views.push_back(std::move(view));
            }
            return views;
        },
        [this, callback](const Found& found) {
            if (!found) return callback(found);
            auto views = found.value();
            for (auto& view : views) {
                if (const auto run = find_run(view.claim.id)) view.step = run->step;
            }
            callback(Found(std::move(views)));
        });
}

void MountService::show_claim(const std::string& claim, ClaimsCallback callback) {
    using Found = Result<std::vector<ClaimView>>;
    find_claim(claim, [this, callback](const Result<std::optional<Claim>>& found) {
        if (!found) return callback(Found(found.error()));
        if (!*found) return callback(Found(std::vector<ClaimView>{}));
        const auto id = (*found)->id;
        if ((*found)->state != ClaimState::queued) {
            ClaimView view{**found, 0, ""};
            if (const auto run = find_run(id)) view.step = run->step;
            return callback(Found(std::vector<ClaimView>{view}));
        }
        list_claims(false, [callback, id](const Found& all) {
            if (!all) return callback(all);
            std::vector<ClaimView> one;
            for (const auto& view : *all) {
                if (view.claim.id == id) one.push_back(view);
            }
            callback(Found(std::move(one)));
        });
    });
}

void MountService::list_volumes(
    std::function<void(const Result<std::vector<claims::Volume>>&)> callback) {
    at_desk<Result<std::vector<claims::Volume>>>([](ClaimTable& table) { return table.volumes(); },
                                                 std::move(callback));
}

void MountService::list_drives(
    std::function<void(const Result<std::vector<claims::DriveRow>>&)> callback) {
    at_desk<Result<std::vector<claims::DriveRow>>>([](ClaimTable& table) { return table.drives(); },
                                                   std::move(callback));
}

// ---- by people

void MountService::set_volume_state(const std::string& barcode, claims::VolumeState state,
                                    const std::string& reason, Done done) {
    at_desk<Outcome>(
        [barcode, state, reason](ClaimTable& table) {
            return table.set_volume_state(barcode, state, reason);
        },
        std::move(done));
}

void MountService::free_drive(const std::string& serial, Done done) {
    at_desk<Outcome>([serial](ClaimTable& table) { return table.free_drive(serial); },
                     [this, done](const Outcome& outcome) {
                         refresh_drives();
                         serve_line();
                         done(outcome);
                     });
}

}  // namespace agent::mounts

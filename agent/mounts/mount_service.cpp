#include "agent/mounts/mount_service.hpp"

#include <algorithm>
#include <chrono>

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
constexpr auto claim_of_other_interval = std::chrono::milliseconds(500);

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
      robot_(std::make_unique<Worker>(robot_jobs_max)) {
    // Another service may have taken its place, under the same epoch, while a command is under way.
    doors_.acting = [stopping = stopping_, acting = std::move(doors_.acting)] {
        return stopping->load() ? pair::ActingRight{} : acting();
    };
}

MountService::~MountService() {
    stop();
}

void MountService::stop() {
    stopped_ = true;
    stopping_->store(true);
    table_->give_up();  // the desk may wait for a database that this node has stopped itself
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
    return why_not_acting(new_request);
}

std::optional<MountFault> MountService::why_not_acting(bool new_request) const {
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
        if (early_.size() < early_requests_max) {
            early_.emplace_back(request, std::move(callback));
        } else {
            callback(MountFault{MountFault::Kind::busy, trouble_, "not_serving", {}});
        }
        return;
    }
    if (auto fault = why_not_now(true)) return callback(*fault);
    take(request, {}, nullptr, std::move(callback));
}

void MountService::wait_in_line(const RunPointer& run) {
    run->working = false;
    if (run->withdrawn) return withdraw_now(run);
    run->step = "waits for a drive";
    arm_deadline(run);
    serve_line_later();
}

// The wall clock is asked once: whoever sets it afterwards shortens and prolongs nothing.
core::Duration MountService::time_left(const RunPointer& run) const {
    const auto now = doors_.now();
    if (!run->until || run->until_of != run->claim.deadline) {
        run->until = now.monotonic + core::Duration{run->claim.deadline.ms - now.wall.ms};
        run->until_of = run->claim.deadline;
    }
    return std::max(core::Duration{}, *run->until - now.monotonic);
}

void MountService::arm_deadline(const RunPointer& run) {
    run->deadline.expires_after(std::chrono::milliseconds(time_left(run).ms));
    run->deadline.async_wait(
        [weak = weak_from_this(), id = run->claim.id](const std::error_code& error) {
            const auto self = weak.lock();
            if (error || !self || self->stopped_) return;
            const auto late = self->find_run(id);
            if (!late || late->claim.state == ClaimState::mounted) return;
            self->withdraw(late, ClaimEnding::deadline_passed,
                           "its deadline passed before the volume was mounted");
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
    if (claim.node == writer_.node) take_up_later();
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
    auto timer = std::make_shared<asio::steady_timer>(
        loop_, std::chrono::milliseconds(options_.line_served_again.ms));
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
    for (const auto& [id, run] : std::map(runs_)) {
        if (run->working || run->claim.state != ClaimState::queued) continue;
        some = true;
        std::vector<std::string> not_these;
        if (run->claim.failed_drive) not_these.push_back(*run->claim.failed_drive);
        take_from_line(run, std::move(not_these));
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
    // The end that whoever unmounts wants is none that whoever mounts does.
    const bool over =
        run->claim.state == ClaimState::ended && run->claim.ending == ClaimEnding::unmounted;
    for (const auto& waiter : std::exchange(run->waiters, {}))
        waiter(over ? MountAnswer(fault_of(run->claim)) : answer);
    for (const auto& unmounter : std::exchange(run->unmounters, {}))
        unmounter(over ? MountAnswer(run->claim) : answer);
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
        withdraw(run, ClaimEnding::cancelled, words);
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

}  // namespace agent::mounts

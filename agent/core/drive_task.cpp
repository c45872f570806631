#include "agent/core/drive_task.hpp"

#include <algorithm>
#include <utility>

#include "agent/core/broadcaster.hpp"

namespace agent::core {
namespace {

constexpr std::size_t detail_size_max = 200;

std::string may_still_run(const std::string& action) {
    return action + " was cut off; it may still be running";
}

}  // namespace

DriveTask::DriveTask(DriveSerial drive) : drive_(std::move(drive)) {}

// Rule "only the newest": test/unit/core/drive_sharing_agent_test.cpp; scenario
// repeated_notices.txt; oracle invariant "confirmed means processed".
void DriveTask::notice_arrived(const Notice& notice, const HostConfiguration& host, Now now,
                               AgentEffects& effects) {
    Source& source = sources_[notice.controller];
    NoticeId seen;
    if (source.mark) seen = source.mark->id;
    if (source.newest) seen = std::max(seen, source.newest->id);

    if (notice.id.epoch < seen.epoch) {
        if (!std::exchange(source.earlier_epoch_reported, true)) {
            log(Message::controller_of_earlier_life,
                {drive_.text, notice.controller, std::to_string(notice.id.epoch),
                 std::to_string(seen.epoch)},
                now, effects);
        }
        return;
    }
    if (notice.id < seen) {
        // The controller may have lost our answer to the newest. What an earlier life of this
        // process has answered is not repeated: the application may have been started anew since.
        if (source.answered) repeat_answer(source, host, effects);
        return;
    }
    if (source.newest && notice.id == source.newest->id) {
        if (!source.answered) return;  // being worked on
        if (source.mark->result == ConfirmationResult::failed) {
            source.answered = false;
            source.due = true;
            proceed(host, now, effects);
            return;
        }
        repeat_answer(source, host, effects);
        if (source.mark->result == ConfirmationResult::draining && !work_) {
            source.answered = false;
            source.due = true;
            proceed(host, now, effects);
        }
        return;
    }
    source.newest = notice;
    spoke_last_ = notice.controller;
    source.answered = false;
    source.due = true;
    proceed(host, now, effects);
}

// By a newer notice, or because what was decided was decided under another configuration. Oracle
// invariant "observes only".
bool DriveTask::superseded() const {
    if (!work_) return false;
    const Source& source = sources_.at(work_->controller);
    return source.due || source.newest->id > work_->notice.id;
}

// Takes up the next piece of work when no command is running.
void DriveTask::proceed(const HostConfiguration& host, Now now, AgentEffects& effects) {
    while (!running_) {
        const auto due = std::find_if(sources_.begin(), sources_.end(),
                                      [](const auto& source) { return source.second.due; });
        const bool only_waiting = work_ && stage_ == Stage::drain;
        if (work_ && !only_waiting && !superseded()) return;
        if (!wish_ && due == sources_.end()) return;
        work_.reset();
        look_again_at_.reset();
        // Taken now: one that comes while its command runs is another.
        if (const auto wish = std::exchange(wish_, std::nullopt)) {
            // From now on it is the operator who keeps it offline.
            if (wish->offline) strike_ledger(effects);
            for (auto& [controller, source] : sources_)
                source.unsettled = false;
            log(Message::operator_set_drive,
                {drive_.text, wish->actor, wish->offline ? "offline" : "online"}, now, effects);
            run(wish->offline ? ApplicationAction::set_offline : ApplicationAction::set_online,
                Stage::operator_command, effects);
            return;
        }
        begin(due->first, host, now, effects);
    }
}

void DriveTask::begin(const ControllerName& controller, const HostConfiguration& host, Now now,
                      AgentEffects& effects) {
    Source& source = sources_[controller];
    source.due = false;
    work_ = Work{controller, *source.newest, verdict_of(*source.newest, host), {}};
    if (host.observe_only) {
        confirm(ConfirmationResult::observed_only, {}, host, now, effects);
    } else if (work_->verdict == Verdict::mine && !ledger_) {
        confirm(ConfirmationResult::holder_is_mine, {}, host, now, effects);
    } else {
        run(ApplicationAction::query, Stage::look, effects);
    }
}

void DriveTask::run(ApplicationAction action, Stage stage, AgentEffects& effects) {
    running_ = action;
    stage_ = stage;
    const bool online = action == ApplicationAction::set_online;
    if (online && !std::exchange(online_command_recorded_, true))
        effects.record(RecordOnlineCommand{drive_, true});
    effects.act(RunApplication{drive_, action});
}

void DriveTask::answered(const ApplicationAnswered& answer, const HostConfiguration& host, Now now,
                         AgentEffects& effects) {
    if (running_ != answer.action) return;  // nobody asked for it
    running_.reset();
    if (answer.may_run_for.ms > 0) end_not_seen(answer, now, effects);
    if (answer.action == ApplicationAction::query) {
        application_state_ = answer.succeeded ? answer.state : ApplicationDriveState::unknown;
        say_again_ = answer.succeeded && answer.say_again;
    }
    const bool offline_anyway = answer.action == ApplicationAction::set_offline ||
                                application_state_ == ApplicationDriveState::offline;
    if (answer.succeeded && answer.by_somebody_else && offline_anyway) disown(now, effects);
    if (stage_ == Stage::operator_command) {
        if (!answer.succeeded) {
            log(Message::application_command_failed,
                {drive_.text, to_text(answer.action), answer.detail}, now, effects);
        } else if (answer.action == ApplicationAction::set_online) {
            strike_settled(now, effects);
        }
        run(ApplicationAction::query, Stage::operator_check, effects);
        return;
    }
    if (stage_ == Stage::operator_check) strike_online_command(now, effects);
    if (stage_ != Stage::operator_check && work_ && !superseded()) {
        if (!answer.succeeded) work_->command_detail = answer.detail;
        switch (stage_) {
            case Stage::look:
                looked(host, now, effects);
                break;
            case Stage::take_offline:
                run(ApplicationAction::query, Stage::check_offline, effects);
                break;
            case Stage::check_offline:
                checked_offline(host, now, effects);
                break;
            case Stage::bring_online:
                run(ApplicationAction::query, Stage::check_online, effects);
                break;
            case Stage::check_online:
                checked_online(host, now, effects);
                break;
            case Stage::drain:
                looked_while_draining(host, now, effects);
                break;
            case Stage::operator_command:
            case Stage::operator_check:
                break;
        }
    }
    proceed(host, now, effects);
}

void DriveTask::looked(const HostConfiguration& host, Now now, AgentEffects& effects) {
    const auto settle_intent = [this, &effects] {
        if (!ledger_ || ledger_->done) return;
        LedgerEntry entry = *ledger_;
        entry.done = true;
        write_ledger(std::move(entry), effects);
    };
    switch (first_move(work_->verdict, application_state_, ledger_.has_value())) {
        case NextMove::confirm_set_offline:
            settle_intent();
            confirm_offline(ConfirmationResult::set_offline, ledger_->reason, host, now, effects);
            return;
        case NextMove::confirm_already_offline:
            confirm_offline(ConfirmationResult::already_offline, {}, host, now, effects);
            return;
        case NextMove::confirm_already_online:
            strike_settled(now, effects);
            confirm(ConfirmationResult::already_online, {}, host, now, effects);
            return;
        case NextMove::confirm_holder_is_mine:
            if (application_state_ == ApplicationDriveState::online) strike_settled(now, effects);
            confirm(ConfirmationResult::holder_is_mine, {}, host, now, effects);
            return;
        case NextMove::confirm_left_to_operator:
            log(Message::left_to_operator, {drive_.text}, now, effects);
            confirm(ConfirmationResult::left_to_operator, {}, host, now, effects);
            return;
        case NextMove::wait_for_drain:
            drains(host, now, effects);
            return;
        case NextMove::take_offline:
            write_ledger({drive_, work_->notice.id, work_->controller, now.wall, false,
                          reason_in_words(work_->notice)},
                         effects);
            run(ApplicationAction::set_offline, Stage::take_offline, effects);
            return;
        case NextMove::bring_online:
            run(ApplicationAction::set_online, Stage::bring_online, effects);
            return;
        case NextMove::report_unknown:
            state_unknown(host, now, effects);
            return;
    }
}

void DriveTask::checked_offline(const HostConfiguration& host, Now now, AgentEffects& effects) {
    switch (application_state_) {
        case ApplicationDriveState::offline: {
            if (ledger_) {
                LedgerEntry entry = *ledger_;
                entry.done = true;
                log(Message::application_set_offline, {drive_.text, entry.reason}, now, effects);
                write_ledger(std::move(entry), effects);
            }
            confirm_offline(
                ledger_ ? ConfirmationResult::set_offline : ConfirmationResult::already_offline, {},
                host, now, effects);
            return;
        }
        case ApplicationDriveState::draining:
            drains(host, now, effects);
            return;
        case ApplicationDriveState::online: {
            if (may_come(ApplicationAction::set_offline, now)) {
                confirm(ConfirmationResult::failed, may_still_run("set_offline"), host, now,
                        effects);
                return;
            }
            strike_ledger(effects);  // it provably did not happen
            const std::string why = work_->command_detail.empty()
                                        ? "it still shows the drive online"
                                        : work_->command_detail;
            log(Message::application_command_failed, {drive_.text, "set_offline", why}, now,
                effects);
            confirm(ConfirmationResult::failed, why, host, now, effects);
            return;
        }
        case ApplicationDriveState::unknown:
            state_unknown(host, now, effects);
            return;
    }
}

void DriveTask::checked_online(const HostConfiguration& host, Now now, AgentEffects& effects) {
    const bool mine = work_->verdict == Verdict::mine;
    if (application_state_ == ApplicationDriveState::online) {
        strike_settled(now, effects);
        log(Message::application_set_online, {drive_.text}, now, effects);
        confirm(mine ? ConfirmationResult::holder_is_mine : ConfirmationResult::set_online, {},
                host, now, effects);
        return;
    }
    std::string why = work_->command_detail;
    if (why.empty()) why = "it shows the drive " + std::string(to_text(application_state_));
    if (may_come(ApplicationAction::set_online, now)) {
        why = may_still_run("set_online");
    } else {
        log(Message::application_command_failed, {drive_.text, "set_online", why}, now, effects);
    }
    // The ledger keeps the drive as ours. That the holder's own application lacks the drive
    // endangers nobody, and must not end in taking it from the holder altogether.
    confirm(mine ? ConfirmationResult::holder_is_mine : ConfirmationResult::failed,
            "not online: " + why, host, now, effects);
}

void DriveTask::looked_while_draining(const HostConfiguration& host, Now now,
                                      AgentEffects& effects) {
    switch (application_state_) {
        case ApplicationDriveState::draining:
            // Only what this agent has begun itself; it stands in the ledger since then.
            if (say_again_ && ledger_) {
                run(ApplicationAction::set_offline, Stage::take_offline, effects);
            } else {
                wait_for_drain(now);
            }
            return;
        case ApplicationDriveState::offline:
        case ApplicationDriveState::online:
        case ApplicationDriveState::unknown:
            checked_offline(host, now, effects);
            return;
    }
}

// ---- commands whose end nobody saw
// ---------------------------------------------------------------------------------

void DriveTask::end_not_seen(const ApplicationAnswered& answer, Now now, AgentEffects& effects) {
    if (answer.action == ApplicationAction::query) return;  // it changes nothing
    auto& until = answer.action == ApplicationAction::set_offline ? offline_may_come_until_
                                                                  : online_may_come_until_;
    const Instant end = now.monotonic + answer.may_run_for;
    if (!until || *until < end) until = end;
    log(Message::application_command_cut_off,
        {drive_.text, to_text(answer.action), std::to_string((answer.may_run_for.ms + 999) / 1'000),
         answer.detail},
        now, effects);
}

void DriveTask::restore_unseen(ApplicationAction action, Instant may_come_until) {
    if (action == ApplicationAction::set_offline) offline_may_come_until_ = may_come_until;
    if (action != ApplicationAction::set_online) return;
    online_may_come_until_ = may_come_until;
    online_command_recorded_ = true;
}

void DriveTask::leave() {
    for (auto& [controller, source] : sources_) {
        Source kept;
        kept.mark = source.mark;
        source = std::move(kept);
    }
    spoke_last_.clear();
    application_state_ = ApplicationDriveState::unknown;
    work_.reset();
    wish_.reset();
    look_again_at_.reset();
}

void DriveTask::answered_while_away(const ApplicationAnswered& answer, Now now,
                                    AgentEffects& effects) {
    if (running_ != answer.action) return;
    running_.reset();
    if (answer.may_run_for.ms > 0) end_not_seen(answer, now, effects);
}

// It is struck with whatever is recorded next when it has ended.
void DriveTask::strike_online_command(Now now, AgentEffects& effects) {
    if (running_ == ApplicationAction::set_online || may_come(ApplicationAction::set_online, now))
        return;
    if (std::exchange(online_command_recorded_, false))
        effects.record(RecordOnlineCommand{drive_, false});
}

bool DriveTask::may_come(ApplicationAction action, Now now) const {
    const auto& until =
        action == ApplicationAction::set_offline ? offline_may_come_until_ : online_may_come_until_;
    return until && now.monotonic < *until;
}

std::optional<Instant> DriveTask::last_effect_until(Now now) const {
    std::optional<Instant> last;
    for (const auto& until : {offline_may_come_until_, online_may_come_until_}) {
        if (until && now.monotonic < *until && (!last || *last < *until)) last = until;
    }
    return last;
}

// Said of a drive that has to be kept off, it would be a promise that a late set_online breaks.
void DriveTask::confirm_offline(ConfirmationResult result, const std::string& detail,
                                const HostConfiguration& host, Now now, AgentEffects& effects) {
    const bool promises = work_->verdict == Verdict::keep_off;
    if (promises && may_come(ApplicationAction::set_online, now)) {
        confirm(ConfirmationResult::failed, may_still_run("set_online"), host, now, effects);
        return;
    }
    confirm(result, detail, host, now, effects);
}

// A drive that is online is not this agent's any more, unless its set_offline may still come.
void DriveTask::strike_settled(Now now, AgentEffects& effects) {
    if (!may_come(ApplicationAction::set_offline, now)) strike_ledger(effects);
}

void DriveTask::state_unknown(const HostConfiguration& host, Now now, AgentEffects& effects) {
    const std::string why = work_->command_detail.empty() ? "no answer that the profile understands"
                                                          : work_->command_detail;
    log(Message::application_state_unknown, {drive_.text, why}, now, effects);
    confirm(ConfirmationResult::failed, "state unknown: " + why, host, now, effects);
}

// Said once for a notice, however often the application is told again.
void DriveTask::drains(const HostConfiguration& host, Now now, AgentEffects& effects) {
    const Source& source = sources_[work_->controller];
    const bool said = source.answered && source.mark->id == work_->notice.id &&
                      source.mark->result == ConfirmationResult::draining;
    if (!said) {
        log(Message::application_draining, {drive_.text}, now, effects);
        confirm(ConfirmationResult::draining, {}, host, now, effects);
    }
    wait_for_drain(now);
}

// Whoever keeps it offline now brings it back.
void DriveTask::disown(Now now, AgentEffects& effects) {
    if (!ledger_) return;
    log(Message::taken_over_in_application, {drive_.text}, now, effects);
    strike_ledger(effects);
}

void DriveTask::wait_for_drain(Now now) {
    stage_ = Stage::drain;
    look_again_at_ = now.monotonic + draining_query_interval;
}

void DriveTask::time_passed(const HostConfiguration& host, Now now, AgentEffects& effects) {
    if (!look_again_at_ || now.monotonic < *look_again_at_) return;
    look_again_at_.reset();
    if (running_) return;
    if (work_) {
        run(ApplicationAction::query, Stage::drain, effects);
        return;
    }
    for (auto& [controller, source] : sources_) {
        const bool failed = source.answered && source.mark->result == ConfirmationResult::failed;
        if ((!failed && !source.unsettled) || !spoke_last(controller)) continue;
        source.answered = false;
        source.due = true;
    }
    proceed(host, now, effects);
}

void DriveTask::operator_wishes(const OperatorSetDrive& wish, const HostConfiguration& host,
                                Now now, AgentEffects& effects) {
    wish_ = wish;
    proceed(host, now, effects);
}

void DriveTask::decide_again(const HostConfiguration& host, Now now, AgentEffects& effects) {
    for (auto& [controller, source] : sources_) {
        if (!source.newest || !spoke_last(controller)) continue;
        source.answered = false;
        source.due = true;
    }
    proceed(host, now, effects);
}

void DriveTask::confirm(ConfirmationResult result, const std::string& detail,
                        const HostConfiguration& host, Now now, AgentEffects& effects) {
    Source& source = sources_[work_->controller];
    source.mark = NoticeMark{work_->controller, drive_, work_->notice.id, result};
    source.detail = detail.substr(0, detail_size_max);
    source.answered = true;
    effects.record(RecordNoticeMark{*source.mark});
    strike_online_command(now, effects);
    repeat_answer(source, host, effects);
    // Its own host holds the drive, and lacks it in the application since this agent took it.
    const bool lacks_it = result == ConfirmationResult::holder_is_mine && ledger_ &&
                          application_state_ != ApplicationDriveState::online;
    if (result == ConfirmationResult::failed || lacks_it) {
        look_again_at_ = now.monotonic + failed_retry_interval;
    }
    const auto last = last_effect_until(now);
    source.unsettled = last.has_value() || lacks_it;
    // What was not done is tried again in its own time; what may be undone is looked at when it is
    // known not to be.
    const bool not_done = result == ConfirmationResult::failed &&
                          application_state_ != ApplicationDriveState::offline;
    if (last && !not_done && (!look_again_at_ || *last < *look_again_at_)) look_again_at_ = last;
    if (result != ConfirmationResult::draining) work_.reset();
}

void DriveTask::repeat_answer(const Source& source, const HostConfiguration& host,
                              AgentEffects& effects) {
    effects.act(SendConfirmation{{source.mark->id, source.mark->controller, host.agent, drive_,
                                  source.mark->result, source.detail}});
}

// The ledger's rules: test/unit/core/drive_sharing_agent_test.cpp; scenarios ledger.txt,
// operator.txt; oracle invariant "online only what was ours".
void DriveTask::write_ledger(LedgerEntry entry, AgentEffects& effects) {
    ledger_ = std::move(entry);
    effects.record(RecordLedgerEntry{*ledger_, true});
}

void DriveTask::strike_ledger(AgentEffects& effects) {
    if (!ledger_) return;
    effects.record(RecordLedgerEntry{*ledger_, false});
    ledger_.reset();
}

void DriveTask::log(Message message, std::initializer_list<std::string_view> arguments, Now now,
                    AgentEffects& effects) const {
    std::optional<NoticeId> notice;
    if (work_) notice = work_->notice.id;
    effects.record(RecordAgentEvent{{now.wall,
                                     description_of(message).severity,
                                     identifier_of(message),
                                     drive_,
                                     {},
                                     notice,
                                     text_of(message, arguments)}});
}

HostDriveView DriveTask::view() const {
    HostDriveView view;
    view.drive = drive_;
    view.ledger = ledger_;
    view.application_state = application_state_;
    view.busy = running_.has_value();
    view.overtaken = running_.has_value() && superseded();
    for (const auto& [controller, source] : sources_) {
        if (!source.newest) continue;
        view.newest = source.newest;
        if (source.answered) view.result = source.mark->result;
    }
    return view;
}

}  // namespace agent::core

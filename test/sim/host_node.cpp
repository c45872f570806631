#include "test/sim/host_node.hpp"

#include <algorithm>

namespace sim {

using namespace agent::core;

namespace {

// A command whose end nobody has seen takes effect before that.
constexpr std::int64_t late_effect_max_ms = 6'000;

}  // namespace

HostNode::HostNode(const Plan& plan, std::size_t number, Bug bug, Timeline& timeline,
                   Random& random, Trace& trace, Oracle& oracle, Network& network)
    : plan_(plan),
      number_(number),
      host_(plan.hosts[number]),
      bug_(bug),
      timeline_(timeline),
      random_(random),
      trace_(trace),
      oracle_(oracle),
      network_(network),
      cut_chance_(plan.seed * 0x9fb21c651e98df25U + number) {
    for (const auto& drive : host_.drives) {
        application_[drive];
    }
    network_.attach(host_.agent, [this](const PeerName& from, const Message& message) {
        return receive(from, message);
    });
}

Now HostNode::now() const {
    return {{timeline_.now_ms()}, {1'700'000'000'000 + timeline_.now_ms()}};
}

void HostNode::start() {
    if (up()) return;
    ++life_;
    wakeup_.reset();
    undisturbed_since_ms_ = timeline_.now_ms();
    HostTables& tables = disk_.tables_to_break();
    ++tables.incarnation;
    if (bug_ == Bug::ledger_forgotten) tables.ledger.clear();
    DriveSharingAgentState state = tables.state();
    if (bug_ == Bug::ledger_invented) {
        state.ledger.clear();
        for (const auto& drive : host_.drives) {
            state.ledger.push_back({drive, {}, plan_.sharing.controller, {}, true, "bug"});
        }
    }
    for (auto& command : state.unseen)
        command.may_run_for = {late_effect_max_ms};
    if (bug_ == Bug::last_life_has_ended) state.unseen.clear();
    trace_.begin(timeline_.now_ms(), host_.agent);
    trace_.add("starts");
    trace_.end();
    oracle_.host_process_began(number_);
    rules_.emplace(told_to_rules(), std::move(state), tables.incarnation);
    run(rules_->start(now()));
}

void HostNode::end_process(std::int64_t down_ms) {
    trace_.begin(timeline_.now_ms(), host_.agent);
    trace_.add("ends");
    trace_.end();
    rules_.reset();
    ++life_;
    undisturbed_since_ms_ = timeline_.now_ms();
    network_.forget(host_.agent);
    oracle_.host_process_ended(number_);
    operator_wishes_.clear();
    settle_cut_off();
    // A command that is running takes effect, now or late, or not; nobody hears of it.
    for (const auto& command : std::exchange(running_, {})) {
        const bool takes_effect = random_.below(2) == 0;
        const bool late = takes_effect && plan_.faults.commands_cut && may_crash_ &&
                          command.action != ApplicationAction::query && cut_chance_.below(2) == 0;
        if (late) {
            takes_effect_late(command, cut_chance_.between(1, late_effect_max_ms - 1));
        } else if (takes_effect) {
            (void)execute(command);
        }
    }
    timeline_.after(down_ms, [this] { start(); });
}

void HostNode::crash(std::int64_t down_ms) {
    if (!up()) return;
    (void)disk_.crash(random_, false, false);
    end_process(down_ms);
}

void HostNode::reboot(std::int64_t down_ms) {
    crash(down_ms);
    cut_off_.clear();
    for (auto& [serial, drive] : application_) {
        if (!drive.by_operator) drive.state = ApplicationDriveState::online;
    }
}

HostConfiguration HostNode::told_to_rules() const {
    HostConfiguration told = host_;
    if (bug_ == Bug::observing_forgotten) told.observe_only = false;
    if (bug_ == Bug::operating_forgotten) told.observe_only = true;
    return told;
}

void HostNode::reconcile() {
    if (!up()) return;
    HostTables& tables = disk_.tables_to_break();
    ++tables.incarnation;
    input(ReconcileRequested{tables.incarnation});
}

void HostNode::reload(bool observe_only) {
    host_.observe_only = observe_only;
    undisturbed_since_ms_ = timeline_.now_ms();
    if (!up()) return;
    trace_.begin(timeline_.now_ms(), host_.agent);
    trace_.add(observe_only ? "reloads, observing only" : "reloads");
    trace_.end();
    run(rules_->reconfigure(told_to_rules(), now()));
}

void HostNode::stop_cleanly(std::int64_t down_ms) {
    if (!up()) return;
    down_ms_ = down_ms;
    undisturbed_since_ms_ = timeline_.now_ms();
    input(StopRequested{});
}

bool HostNode::receive(const PeerName& /*from*/, const Message& message) {
    if (!up()) return false;
    if (const auto* notice = std::get_if<Notice>(&message)) input(NoticeArrived{*notice});
    if (const auto* inquiry = std::get_if<HolderInquiry>(&message)) answer(*inquiry);
    return true;
}

// True when it is said; it may be old when it is heard.
void HostNode::answer(const HolderInquiry& inquiry) {
    const std::int64_t takes = random_.between(1, 600);
    const bool can_tell = random_.below(8) != 0;
    timeline_.after(takes, [this, inquiry, can_tell, life = life_] {
        if (life != life_ || !up()) return;
        HolderStatement statement{inquiry.id,
                                  inquiry.controller,
                                  host_.agent,
                                  inquiry.drive,
                                  HolderAnswer::can_not_tell,
                                  ReleaseResult::not_asked,
                                  host_.ports,
                                  host_.domain,
                                  {}};
        if (can_tell) {
            statement.answer =
                holds_ && holds_(inquiry.drive) ? HolderAnswer::mine : HolderAnswer::not_mine;
        }
        network_.send(host_.agent, inquiry.controller, "holder " + inquiry.drive.text, statement,
                      {});
    });
}

void HostNode::input(const DriveSharingAgentInput& in) {
    if (!up()) return;
    trace_.begin(timeline_.now_ms(), host_.agent);
    trace_.add("<");
    trace_.add(in);
    trace_.end();
    run(rules_->step(in, now()));
}

// An operator's wish is carried out in the step that writes it down; and somebody must have had
// that wish.
bool HostNode::asked_by_operator(const DriveSerial& drive,
                                 const DriveSharingAgentEffects& effects) {
    if (!operator_wishes_.contains(drive)) return false;
    const bool begins = std::any_of(effects.begin(), effects.end(), [&](const auto& effect) {
        const auto* event = std::get_if<RecordAgentEvent>(&effect);
        return event != nullptr && event->record.drive == drive &&
               event->record.message == "DSA5007";
    });
    if (begins) operator_wishes_.erase(drive);
    return begins;
}

// Once an operator's "offline" is written down, a drive that is offline stays so for the operator's
// sake.
void HostNode::note_operator(const DriveSharingAgentEffect& record) {
    const auto* event = std::get_if<RecordAgentEvent>(&record);
    if (event == nullptr || event->record.message != "DSA5007") return;
    const DriveSerial& drive = event->record.drive;
    const bool offline = event->record.text.find(" offline ") != std::string::npos;
    if (offline && state_of(drive) != ApplicationDriveState::online) {
        application_.at(drive).by_operator = true;
    }
}

void HostNode::operator_asks_agent(const DriveSerial& drive, bool offline) {
    if (!up()) return;
    operator_wishes_.insert(drive);
    input(OperatorSetDrive{drive, offline, "operator"});
}

bool HostNode::crash_strikes() {
    return may_crash_ && random_.chance(plan_.faults.host_crash);
}

void HostNode::run(const DriveSharingAgentEffects& effects) {
    const auto down = [this] { return random_.between(50, 1'500); };
    std::size_t at = 0;
    for (; at < effects.size() && is_record(effects[at]); ++at) {
        if (crash_strikes()) {
            crash(down());
            return;
        }
        disk_.write(effects[at]);
    }
    const auto tell_oracle = [&] {
        for (std::size_t record = 0; record < at; ++record) {
            trace_.begin(timeline_.now_ms(), host_.agent);
            trace_.add(">");
            trace_.add(effects[record]);
            trace_.end();
            oracle_.host_effect_done(timeline_.now_ms(), number_, effects[record], disk_.tables(),
                                     {});
            note_operator(effects[record]);
        }
    };
    if (at != 0 && crash_strikes()) {
        if (disk_.crash(random_, true, false)) tell_oracle();
        end_process(down());
        return;
    }
    disk_.sync();
    tell_oracle();
    for (; at < effects.size(); ++at) {
        if (is_record(effects[at])) {
            oracle_.fail(timeline_.now_ms(), "records come first", host_.agent);
        }
        if (crash_strikes()) {
            crash(down());
            return;
        }
        trace_.begin(timeline_.now_ms(), host_.agent);
        trace_.add(">");
        trace_.add(effects[at]);
        trace_.end();
        const auto* run = std::get_if<RunApplication>(&effects[at]);
        const bool for_operator = run != nullptr && asked_by_operator(run->drive, effects);
        if (run != nullptr && host_.observe_only && !for_operator &&
            run->action != ApplicationAction::query) {
            oracle_.fail(timeline_.now_ms(), "observes only", host_.agent + " acts");
        }
        if (for_operator) {
            oracle_.operator_command_follows(number_, run->drive);
            operator_commands_.insert(run->drive);
        }
        ApplicationDriveState shown = ApplicationDriveState::unknown;
        if (const auto* sent = std::get_if<SendConfirmation>(&effects[at])) {
            shown = state_of(sent->confirmation.drive);
            says_to_observe(sent->confirmation);
        }
        oracle_.host_effect_done(timeline_.now_ms(), number_, effects[at], disk_.tables(), shown);
        carry_out(effects[at]);
        if (!up()) return;
    }
    sleep_until_next_wakeup();
}

// Whoever is to act may say that it only watches about what it answered when it only watched.
void HostNode::says_to_observe(const Confirmation& confirmation) {
    if (confirmation.result != ConfirmationResult::observed_only) return;
    if (host_.observe_only) {
        only_observed_.insert(confirmation.id);
    } else if (!only_observed_.contains(confirmation.id)) {
        oracle_.fail(timeline_.now_ms(), "observes only", host_.agent + " is to act and watches");
    }
}

void HostNode::carry_out(const DriveSharingAgentEffect& effect) {
    if (const auto* run = std::get_if<RunApplication>(&effect)) {
        run_command(*run);
    } else if (const auto* send = std::get_if<SendConfirmation>(&effect)) {
        network_.send(host_.agent, send->confirmation.controller, send->confirmation.drive.text,
                      send->confirmation, {});
    } else if (const auto* started = std::get_if<SendStarted>(&effect)) {
        send_presence(started->presence, false);
    } else if (const auto* stopping = std::get_if<SendStopping>(&effect)) {
        send_presence(stopping->presence, true);
    } else if (std::holds_alternative<StopNow>(effect)) {
        end_process(down_ms_);
    }
}

void HostNode::send_presence(const AgentPresence& presence, bool stopping) {
    const Message message =
        stopping ? Message(StoppingMessage{presence}) : Message(StartedMessage{presence});
    network_.send(host_.agent, presence.controller, "presence", message,
                  [this, controller = presence.controller, stopping, life = life_] {
                      if (life == life_) input(PresenceAcknowledged{controller, stopping});
                  });
}

ApplicationDriveState HostNode::state_of(const DriveSerial& serial) {
    ApplicationDrive& drive = application_.at(serial);
    if (drive.state == ApplicationDriveState::draining &&
        timeline_.now_ms() >= drive.drained_at_ms) {
        drive.state = ApplicationDriveState::offline;
    }
    return drive.state;
}

void HostNode::run_command(const RunApplication& command) {
    running_.push_back(command);
    const std::int64_t duration = random_.between(1, 30);
    timeline_.after(duration, [this, command, life = life_] { command_ended(command, life); });
}

bool HostNode::execute(const RunApplication& command) {
    if (application_fails_) return false;
    const bool by_operator =
        command.action != ApplicationAction::query && operator_commands_.erase(command.drive) != 0;
    return change(command, by_operator);
}

bool HostNode::change(const RunApplication& command, bool by_operator) {
    ApplicationDrive& drive = application_.at(command.drive);
    const ApplicationDriveState before = state_of(command.drive);
    if (command.action == ApplicationAction::set_online) {
        drive = {ApplicationDriveState::online, 0, false, by_operator};
    } else if (command.action == ApplicationAction::set_offline) {
        const bool job_runs = plan_.faults.application_drains && random_.below(3) == 0;
        if (before == ApplicationDriveState::online && job_runs && may_crash_) {
            drive.state = ApplicationDriveState::draining;
            drive.drained_at_ms = timeline_.now_ms() + random_.between(100, 6'000);
        } else if (before == ApplicationDriveState::online) {
            drive.state = ApplicationDriveState::offline;
        }
        drive.by_operator = drive.by_operator || by_operator;
        drive.by_hand = drive.by_operator;
    }
    return true;
}

void HostNode::command_ended(const RunApplication& command, std::uint64_t life) {
    if (life != life_) return;
    const auto mine = std::find_if(running_.begin(), running_.end(), [&](const auto& running) {
        return running.drive == command.drive && running.action == command.action;
    });
    if (mine != running_.end()) running_.erase(mine);
    if (plan_.faults.commands_cut && may_crash_ && command.action != ApplicationAction::query) {
        const bool cut = cut_chance_.below(6) == 0;
        if (cut) return cut_off(command);
    }
    const bool succeeded = execute(command);
    const bool query = command.action == ApplicationAction::query;
    ApplicationDriveState state = ApplicationDriveState::unknown;
    if (query && succeeded) state = state_of(command.drive);
    if (bug_ == Bug::read_back_skipped) {
        if (command.action == ApplicationAction::set_offline) {
            assumed_[command.drive] = ApplicationDriveState::offline;
        } else if (command.action == ApplicationAction::set_online) {
            assumed_[command.drive] = ApplicationDriveState::online;
        } else if (assumed_.contains(command.drive)) {
            state = assumed_[command.drive];
        }
    }
    input(ApplicationAnswered{command.drive, command.action, succeeded, state,
                              succeeded ? "" : "the application does not answer"});
}

// Nobody hears how it ends. It takes effect at some time before the one that is told to the rules.
void HostNode::cut_off(const RunApplication& command) {
    const std::int64_t may_run_ms = cut_chance_.between(500, late_effect_max_ms);
    takes_effect_late(command, cut_chance_.between(1, may_run_ms - 1));
    ApplicationAnswered answer{command.drive, command.action, false, ApplicationDriveState::unknown,
                               "the connection was closed"};
    if (bug_ != Bug::cut_off_counts_as_ended) answer.may_run_for = {may_run_ms};
    input(answer);
}

void HostNode::takes_effect_late(const RunApplication& command, std::int64_t after_ms) {
    const bool by_operator = operator_commands_.erase(command.drive) != 0;
    const std::uint64_t number = ++cuts_;
    cut_off_[number] = {command, by_operator};
    timeline_.after(after_ms, [this, number] { cut_off_takes_effect(number); });
}

void HostNode::cut_off_takes_effect(std::uint64_t number) {
    const auto found = cut_off_.find(number);
    if (found == cut_off_.end()) return;
    const CutOff late = found->second;
    cut_off_.erase(found);
    trace_.begin(timeline_.now_ms(), host_.agent);
    trace_.add("late");
    trace_.add(late.command.drive.text);
    trace_.add(to_text(late.command.action));
    trace_.end();
    (void)change(late.command, late.by_operator);
}

// When the agent ends. What it had begun and not seen may be done later, but for a set_offline:
// once the drive was seen to be offline nothing tells the next life of it.
void HostNode::settle_cut_off() {
    std::vector<std::uint64_t> ended;
    for (const auto& [number, late] : cut_off_) {
        if (late.command.action == ApplicationAction::set_offline) ended.push_back(number);
    }
    for (const auto number : ended)
        cut_off_takes_effect(number);
}

void HostNode::operator_sets(const DriveSerial& drive, bool offline) {
    undisturbed_since_ms_ = timeline_.now_ms();
    application_.at(drive) = {
        offline ? ApplicationDriveState::offline : ApplicationDriveState::online, 0, offline, true};
}

void HostNode::sleep_until_next_wakeup() {
    const auto next = rules_->next_wakeup();
    if (next == wakeup_) return;
    wakeup_ = next;
    if (!next) return;
    if (next->ms <= timeline_.now_ms()) {
        oracle_.fail(timeline_.now_ms(), "wake-ups lie in the future", host_.agent);
        return;
    }
    timeline_.after(next->ms - timeline_.now_ms(), [this, at = *next, life = life_] {
        if (life != life_ || wakeup_ != at || !up()) return;
        wakeup_.reset();
        input(AgentTimePassed{});
    });
}

}  // namespace sim

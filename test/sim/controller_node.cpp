#include "test/sim/controller_node.hpp"

namespace sim {

using namespace agent::core;

ControllerNode::ControllerNode(const Plan& plan, Bug bug, Timeline& timeline, Random& random,
                               Trace& trace, Oracle& oracle, Network& network, TapeDrives& drives)
    : plan_(plan),
      bug_(bug),
      timeline_(timeline),
      random_(random),
      trace_(trace),
      oracle_(oracle),
      network_(network),
      drives_(drives) {
    network_.attach(plan.sharing.controller, [this](const PeerName& from, const Message& message) {
        return receive(from, message);
    });
    drives_.attach([this](const ReservationAgentInput& in) { input(in); }, [this] { return up(); });
}

Now ControllerNode::now() const {
    return {{timeline_.now_ms()}, {1'700'000'000'000 + timeline_.now_ms()}};
}

void ControllerNode::start() {
    if (up()) return;
    ++life_;
    wakeup_.reset();
    ControllerTables& tables = disk_.tables_to_break();
    if (bug_ != Bug::epoch_not_raised || tables.epoch == 0) ++tables.epoch;
    SharingConfiguration sharing = plan_.sharing;
    if (bug_ == Bug::budget_too_long) sharing.handshake_timeout = sharing.handshake_timeout * 6;
    if (bug_ == Bug::budget_too_short) sharing.handshake_timeout.ms /= 4;
    ReservationAgentState state = tables.state();
    if (bug_ == Bug::forced_offline_forgotten) {
        for (auto& drive : state.drives) {
            drive.operational_state = OperationalState::online;
        }
    }
    trace_.begin(timeline_.now_ms(), "lrad starts");
    trace_.add(tables.epoch);
    trace_.end();
    const bool replaced = plan_.faults.controller_replaced && life_ > 1;
    if (replaced) {
        tables.debts.clear();
        state.debts.clear();
        if (plan_.faults.agents_forgotten) {
            tables.agents.clear();
            state.agents.clear();
        }
    }
    oracle_.controller_started(timeline_.now_ms(), tables, replaced);
    rules_.emplace(sharing, std::move(state), tables.epoch);
    run(replaced ? rules_->take_over(drives_to_be_seen(), now()) : rules_->start(now()));
    if (replaced && bug_ != Bug::takeover_forgives) take_over();
    if (bug_ == Bug::lift_after_restart && up()) {
        for (const auto& drive : plan_.sharing.drives) {
            if (up()) run(rules_->step(AdministratorCleared{drive.serial, "nobody", "bug"}, now()));
        }
    }
}

std::vector<DriveSerial> ControllerNode::drives_to_be_seen() const {
    std::vector<DriveSerial> drives;
    for (const auto& drive : plan_.sharing.drives)
        drives.push_back(drive.serial);
    return drives;
}

void ControllerNode::take_over() {
    const auto& self = plan_.sharing.controller;
    const bool reads = plan_.faults.agents_forgotten && bug_ != Bug::roster_unread;
    for (const auto& [name, domain] : plan_.sharing.agents) {
        ControllerTookOver took_over{name, std::nullopt};
        if (const auto life = rows_.started(name); reads && life)
            took_over.heard = AgentPresence{self, name, *life};
        if (const auto left = rows_.stopping(name); reads && left)
            input(AgentStopping{{self, name, *left}});
        input(took_over);
    }
}

void ControllerNode::crash() {
    if (!up()) return;
    trace_.begin(timeline_.now_ms(), "lrad crashes");
    trace_.end();
    rules_.reset();
    ++life_;
    (void)disk_.crash(random_, false, false);
    network_.forget(plan_.sharing.controller);
    drives_.controller_crashed();
    oracle_.controller_crashed();
    const std::int64_t down = random_.between(50, 2'500);
    if (others_) others_(down);
    timeline_.after(down, [this] { start(); });
}

bool ControllerNode::receive(const PeerName& /*from*/, const Message& message) {
    if (!up()) return false;
    if (const auto* confirmation = std::get_if<Confirmation>(&message)) {
        input(NoticeConfirmed{*confirmation});
    } else if (const auto* started = std::get_if<StartedMessage>(&message)) {
        rows_.hear(started->presence.agent, started->presence.incarnation, false);
        input(AgentStarted{started->presence});
    } else if (const auto* stopping = std::get_if<StoppingMessage>(&message)) {
        rows_.hear(stopping->presence.agent, stopping->presence.incarnation, true);
        input(AgentStopping{stopping->presence});
    } else if (const auto* statement = std::get_if<HolderStatement>(&message)) {
        input(HolderStated{*statement});
    }
    return true;
}

void ControllerNode::input(const ReservationAgentInput& in) {
    if (!up()) return;
    trace_.begin(timeline_.now_ms(), "lrad <");
    trace_.add(in);
    trace_.end();
    oracle_.input_delivered(timeline_.now_ms(), in);
    run(rules_->step(miswired(in), now()));
}

ReservationAgentInput ControllerNode::miswired(const ReservationAgentInput& in) const {
    if (const auto* received = std::get_if<NoticeReceived>(&in);
        received != nullptr && bug_ == Bug::receipt_counts) {
        return NoticeConfirmed{{received->id,
                                plan_.sharing.controller,
                                received->agent,
                                received->drive,
                                ConfirmationResult::already_offline,
                                {}}};
    }
    if (const auto* stated = std::get_if<HolderStated>(&in);
        stated != nullptr && bug_ == Bug::old_statement_counts) {
        HolderStated changed = *stated;
        const auto newest = asked_.find(changed.statement.drive);
        if (newest != asked_.end()) changed.statement.id = newest->second;
        return changed;
    }
    const auto* confirmed = std::get_if<NoticeConfirmed>(&in);
    if (confirmed == nullptr) return in;
    NoticeConfirmed changed = *confirmed;
    Confirmation& confirmation = changed.confirmation;
    if (bug_ == Bug::failure_counts && confirmation.result == ConfirmationResult::failed) {
        confirmation.result = ConfirmationResult::already_offline;
    }
    if (bug_ == Bug::old_epoch_counts && confirmation.id.epoch < disk_.tables().epoch) {
        const auto newest = sent_.find({confirmation.drive, confirmation.agent});
        if (newest != sent_.end()) confirmation.id = newest->second;
    }
    return changed;
}

bool ControllerNode::crash_strikes() {
    if (!may_crash_ || !random_.chance(plan_.faults.controller_crash)) return false;
    return true;
}

void ControllerNode::run(const ReservationAgentEffects& effects) {
    const std::uint64_t life = life_;
    if (bug_ == Bug::send_before_record) {
        if (!run_others(effects) || !run_records(effects)) return;
    } else {
        if (!run_records(effects) || !run_others(effects)) return;
    }
    if (up() && life == life_) sleep_until_next_wakeup();
}

// False: the process has ended.
bool ControllerNode::run_records(const ReservationAgentEffects& effects) {
    std::size_t records = 0;
    for (const auto& effect : effects) {
        if (!is_record(effect)) continue;
        if (crash_strikes()) {
            (void)disk_.crash(random_, false, bug_ == Bug::torn_transaction_kept);
            crash();
            return false;
        }
        trace_.begin(timeline_.now_ms(), "lrad >");
        trace_.add(effect);
        trace_.end();
        disk_.write(effect);
        ++records;
    }
    const auto tell_oracle = [&] {
        for (const auto& effect : effects) {
            if (is_record(effect)) oracle_.effect_done(timeline_.now_ms(), effect, disk_.tables());
        }
    };
    if (records != 0 && crash_strikes()) {
        if (disk_.crash(random_, true, false)) tell_oracle();
        crash();
        return false;
    }
    disk_.sync();
    tell_oracle();
    return true;
}

bool ControllerNode::run_others(const ReservationAgentEffects& effects) {
    for (const auto& effect : effects) {
        if (is_record(effect)) continue;
        if (crash_strikes()) {
            crash();
            return false;
        }
        trace_.begin(timeline_.now_ms(), "lrad >");
        trace_.add(effect);
        trace_.end();
        oracle_.effect_done(timeline_.now_ms(), effect, disk_.tables());
        carry_out(effect);
    }
    return true;
}

void ControllerNode::carry_out(const ReservationAgentEffect& effect) {
    const PeerName& self = plan_.sharing.controller;
    if (const auto* send = std::get_if<SendNotice>(&effect)) {
        NoticeId& newest = sent_[{send->notice.drive, send->agent}];
        const NoticeId before = std::exchange(newest, send->notice.id);
        network_.send(self, send->agent, send->notice.drive.text, send->notice,
                      [this, sent = *send, life = life_] {
                          if (life == life_) received(sent);
                      });
        if (bug_ == Bug::superseding_forgives && before < newest && before.epoch != 0) {
            const NoticeConfirmed forgiven{{before,
                                            self,
                                            send->agent,
                                            send->notice.drive,
                                            ConfirmationResult::already_offline,
                                            {}}};
            timeline_.after(0, [this, forgiven] {
                if (up()) run(rules_->step(forgiven, now()));
            });
        }
    } else if (const auto* stop = std::get_if<StopSending>(&effect)) {
        network_.stop_sending(self, stop->agent, stop->drive.text);
    } else if (const auto* ask = std::get_if<AskHolder>(&effect)) {
        asked_[ask->inquiry.drive] = ask->inquiry.id;
        network_.send(self, ask->agent, "holder " + ask->inquiry.drive.text, ask->inquiry, {});
    } else if (const auto* stop_ask = std::get_if<StopAsking>(&effect)) {
        network_.stop_sending(self, stop_ask->agent, "holder " + stop_ask->drive.text);
    } else if (const auto* force = std::get_if<ForceDriveOffline>(&effect)) {
        drives_.force(force->drive, true);
    } else if (const auto* lift = std::get_if<LiftDriveOffline>(&effect)) {
        drives_.force(lift->drive, false);
    }
}

void ControllerNode::received(const SendNotice& sent) {
    input(NoticeReceived{sent.agent, sent.notice.drive, sent.notice.id});
}

void ControllerNode::sleep_until_next_wakeup() {
    const auto next = rules_->next_wakeup();
    if (next == wakeup_) return;
    wakeup_ = next;
    if (!next) return;
    if (next->ms <= timeline_.now_ms()) {
        oracle_.fail(timeline_.now_ms(), "wake-ups lie in the future", "lrad");
        return;
    }
    timeline_.after(next->ms - timeline_.now_ms(), [this, at = *next, life = life_] {
        if (life != life_ || wakeup_ != at || !up()) return;
        wakeup_.reset();
        input(TimePassed{});
    });
}

}  // namespace sim

#include <algorithm>

#include "agent/core/reservation_agent_rules.hpp"

namespace agent::core {

namespace {

Message contact_message(HostContact::State state) {
    switch (state) {
        case HostContact::State::reached:
            return Message::host_reached;
        case HostContact::State::unreachable:
            return Message::host_unreachable;
        case HostContact::State::key_changed:
            return Message::host_key_changed;
        case HostContact::State::login_refused:
            return Message::host_login_refused;
        case HostContact::State::command_hung:
            return Message::host_command_hung;
        case HostContact::State::not_understood:
            break;
    }
    return Message::host_not_understood;
}

// Whether an alarm tells of this kind of trouble, in whatever words.
bool tells_of(const Alarm& alarm, Message message, const AgentName& agent) {
    const std::string words = "\n";
    const std::string text = text_of(message, {agent, words, agent});
    return alarm.severity == description_of(message).severity &&
           alarm.text.starts_with(text.substr(0, text.find(words)));
}

}  // namespace

// Rules of presence. Tests: reservation_agent_presence_test.cpp; scenarios agent_starts.txt,
// agent_stops.txt, agent_returns.txt; oracle invariants "told before started", "stopped owes
// nothing".
void ReservationAgent::Rules::handle(const AgentStarted& input) {
    const AgentPresence& said = input.presence;
    Agent* agent = find_agent(said.agent);
    if (agent == nullptr) {
        log(Message::peer_unknown, {{}, said.agent, {}}, {said.agent, "(none)"});
        return;
    }
    if (said.incarnation < agent->record.incarnation) {
        log(Message::agent_of_earlier_life, {{}, said.agent, {}},
            {said.agent, std::to_string(said.incarnation),
             std::to_string(agent->record.incarnation)});
        return;
    }
    agent->last_seen = now_.wall;
    const bool new_life = said.incarnation > agent->record.incarnation;
    // The same life again: a sign of life, unless we had given it up. A life that said "stopping"
    // never comes back: its late or replayed "started" must not make a host that is down owe
    // confirmations.
    if (!new_life && agent->record.state != AgentState::lost &&
        agent->record.state != AgentState::never_seen) {
        return;
    }
    agent->record.incarnation = said.incarnation;
    note_start(*agent, resynchronize(*agent, std::nullopt));
}

void ReservationAgent::Rules::handle(const AgentStopping& input) {
    const AgentPresence& said = input.presence;
    Agent* agent = find_agent(said.agent);
    if (agent == nullptr) return;
    if (said.incarnation < agent->record.incarnation) {
        log(Message::agent_of_earlier_life, {{}, said.agent, {}},
            {said.agent, std::to_string(said.incarnation),
             std::to_string(agent->record.incarnation)});
        return;
    }
    agent->last_seen = now_.wall;
    const bool known = said.incarnation == agent->record.incarnation;
    if (known && agent->record.state == AgentState::stopped) return;
    agent->record.incarnation = said.incarnation;
    log(Message::agent_stopped, {{}, said.agent, {}}, {said.agent});
    owe_nothing(*agent, "it has stopped");
}

void ReservationAgent::Rules::handle(const AdministratorRetiredAgent& input) {
    Agent* agent = find_agent(input.agent);
    if (agent == nullptr) return;
    log(Message::agent_retired, {{}, input.agent, {}}, {input.agent, input.actor, input.reason});
    // Any life may come next, also one that counts from 1 again because the host was installed
    // anew.
    agent->record.incarnation = 0;
    owe_nothing(*agent, "it is retired");
}

void ReservationAgent::Rules::handle(const AdministratorReconciledAgent& input) {
    Agent* agent = find_agent(input.agent);
    if (agent == nullptr) return;
    switch (agent->record.state) {
        case AgentState::starting:
        case AgentState::returning:
        case AgentState::started:
        case AgentState::lost:
            note_told_anew(*agent, resynchronize(*agent, std::nullopt), "it is to reconcile");
            return;
        case AgentState::never_seen:
        case AgentState::stopped:
            return;
    }
}

// Tests: reservation_agent_takeover_test.cpp; scenario take_over.txt.
void ReservationAgent::Rules::handle(const ControllerTookOver& input) {
    Agent* agent = find_agent(input.agent);
    if (agent == nullptr) return;
    AgentRecord& record = agent->record;
    if (input.heard && input.heard->incarnation > record.incarnation) {
        record.incarnation = input.heard->incarnation;
        record.state = AgentState::returning;  // in step with the other controller, for all we know
    }
    if (record.state == AgentState::never_seen || record.state == AgentState::stopped) return;
    // Also one that was lost, as at any change: it may have been in step with the other one since.
    record.state = AgentState::returning;
    note_told_anew(*agent, resynchronize(*agent, std::nullopt, Reception::answerable),
                   "this controller serves the library from now on");
}

// Tests: reservation_agent_contact_test.cpp.
void ReservationAgent::Rules::handle(const HostContact& input) {
    Agent* agent = find_agent(input.agent);
    if (agent == nullptr || agent->contact == input.state) return;
    const AlarmKey key{AlarmKind::host_unreachable, {}, input.agent};
    const bool first = !agent->contact;
    agent->contact = input.state;
    const Message message = contact_message(input.state);
    // An alarm from before a restart of this process stands until there is other news.
    const Alarm* stored = alarms_.find(key);
    const bool same = first && input.state != HostContact::State::reached && stored != nullptr &&
                      tells_of(*stored, message, input.agent);
    if (!same) alarms_.clear(key, effects_);
    if (input.state == HostContact::State::reached) {
        log(message, {{}, input.agent, {}}, {input.agent, input.words});
        return;
    }
    log(message, {{}, input.agent, {}}, {input.agent, input.words, input.agent});
    raise(key, message, {input.agent, input.words, input.agent});
}

// Tests: reservation_agent_contact_test.cpp.
void ReservationAgent::Rules::handle(const MessagesRefused& input) {
    const AlarmKey key{AlarmKind::messages_refused, {}, {}};
    if (input.too_many == alarms_.is_active(key)) return;
    const Message message =
        input.too_many ? Message::messages_refused : Message::messages_refused_over;
    log(message, {}, {input.words});
    if (input.too_many) {
        raise(key, message, {input.words});
    } else {
        alarms_.clear(key, effects_);
    }
}

namespace {

struct PairMessages {
    Message raised;
    Message over;
};
PairMessages pair_messages_of(AlarmKind kind) {
    if (kind == AlarmKind::pair_out_of_service)
        return {Message::pair_out_of_service, Message::pair_in_service};
    if (kind == AlarmKind::pair_peer_silent)
        return {Message::pair_peer_missing, Message::pair_peer_back};
    if (kind == AlarmKind::pair_copy_behind)
        return {Message::pair_copy_behind, Message::pair_copy_follows};
    if (kind == AlarmKind::pair_voter_missing)
        return {Message::pair_voter_missing, Message::pair_voter_back};
    if (kind == AlarmKind::pair_promise_short)
        return {Message::pair_promise_too_short, Message::pair_promise_enough};
    return {Message::pair_alone, Message::pair_complete};
}

}  // namespace

void ReservationAgent::Rules::handle(const PairReported& input) {
    const AlarmKey key{input.kind, {}, input.agent};
    const auto messages = pair_messages_of(input.kind);
    if (input.active == alarms_.is_active(key)) {
        // Why a node does not serve changes while it does not; how far copies differ changes
        // always.
        if (input.active && input.kind == AlarmKind::pair_out_of_service)
            alarms_.reword(key, text_of(messages.raised, {input.words}), effects_);
        return;
    }
    log(input.active ? messages.raised : messages.over, {{}, input.agent, {}}, {input.words});
    if (input.active) {
        raise(key, messages.raised, {input.words});
    } else {
        alarms_.clear(key, effects_);
    }
}

void ReservationAgent::Rules::owe_nothing(Agent& agent, const std::string& why) {
    agent.record.state = AgentState::stopped;
    changed(agent);
    for (const DebtKey& key : handshake_.of_agent(agent.record.agent)) {
        waive(key, DebtEvent::agent_excused, why);
    }
    alarms_.clear({AlarmKind::agent_lost, {}, agent.record.agent}, effects_);
}

// Tells the agent the state of every drive it shares, each by a notice of its own that no answer
// from an earlier life can confirm. What it owed before this moment keeps its clock: restarting
// again and again does not forgive. `where_reserved`: how it takes part in what is told of drives
// that hosts can use and that one has reserved.
std::size_t ReservationAgent::Rules::resynchronize(
    Agent& agent, const std::optional<DriveSerial>& already_confirmed, Reception where_reserved) {
    // One that owed before and is not in step yet goes on owing: else the drives of a host whose
    // agent is started again and again would never be protected.
    agent.record.state =
        owes_confirmations(agent.record.state) ? AgentState::returning : AgentState::starting;
    changed(agent);
    std::size_t told = 0;
    for (auto& [serial, drive] : drives_) {
        if (!drive.shared || serial == already_confirmed) continue;
        if (drive.to_be_seen && drive.record.reservation.state == ReservationState::free) continue;
        if (may_be_told(drive)) {
            renumber(drive);
            const bool reserved =
                drive.record.reservation.state == ReservationState::reserved && usable(drive);
            tell(drive, agent, reserved ? where_reserved : Reception::asked,
                 DebtEvent::agent_resynchronized);
            ++told;
        } else if (const Debt* debt = handshake_.find({serial, agent.record.agent});
                   debt != nullptr && debt->state == DebtState::overdue) {
            waive({serial, agent.record.agent}, DebtEvent::agent_excused, "it has returned");
        }
    }
    perhaps_in_step_.insert(agent.record.agent);
    return told;
}

void ReservationAgent::Rules::note_start(const Agent& agent, std::size_t told) {
    log(Message::agent_starting, {{}, agent.record.agent, {}},
        {agent.record.agent, std::to_string(agent.record.incarnation), std::to_string(told)});
}

void ReservationAgent::Rules::note_told_anew(const Agent& agent, std::size_t told,
                                             const std::string& why) {
    log(Message::agent_told_anew, {{}, agent.record.agent, {}},
        {agent.record.agent, std::to_string(told), why});
}

void ReservationAgent::Rules::become_lost(Agent& agent, const std::string& why) {
    agent.record.state = AgentState::lost;
    ++agent.record.missed;
    changed(agent);
    // An excused debt ends here: the agent owes again from the next change of each drive.
    for (const DebtKey& key : handshake_.of_agent(agent.record.agent)) {
        if (handshake_.find(key)->excused) waive(key, DebtEvent::agent_excused, "it is lost");
    }
    if (!alarms_.is_active({AlarmKind::agent_lost, {}, agent.record.agent})) {
        log(Message::agent_lost, {{}, agent.record.agent, {}}, {agent.record.agent, why});
    }
    raise({AlarmKind::agent_lost, {}, agent.record.agent}, Message::agent_lost,
          {agent.record.agent, why});
}

void ReservationAgent::Rules::promote_agents_in_step() {
    const bool is_all_told = std::none_of(drives_.begin(), drives_.end(), [](const auto& entry) {
        return entry.second.shared && entry.second.to_be_seen;
    });
    if (!is_all_told) return;  // tell_that_it_is_free_after_all
    for (const AgentName& name : perhaps_in_step_) {
        Agent* agent = find_agent(name);
        if (agent == nullptr || !is_being_told(agent->record.state)) continue;
        if (!handshake_.of_agent(name).empty()) continue;
        agent->record.state = AgentState::started;
        changed(*agent);
        log(Message::agent_started, {{}, name, {}}, {name});
        ask_again_soon();
        if (alarms_.clear({AlarmKind::agent_lost, {}, name}, effects_)) {
            log(Message::agent_returned, {{}, name, {}}, {name});
        }
    }
    perhaps_in_step_.clear();
}

}  // namespace agent::core

#include <algorithm>
#include <utility>

#include "agent/core/reservation_agent_rules.hpp"
#include "agent/core/sharing_resolver.hpp"

// Rules of the host statement, the last rung of the ladder in docs/HOLDER.md. Tests:
// reservation_agent_holders_test.cpp; test/integration/holder; oracle invariant "named by a
// statement".

namespace agent::core {
namespace {

std::string list_in_words(const std::vector<AgentName>& names) {
    std::string words;
    for (const auto& name : names) {
        if (!words.empty()) words += ", ";
        words += name;
    }
    return words;
}

}  // namespace

// A holder that the drive or a key names needs nobody's word.
bool ReservationAgent::Rules::needs_a_statement(const Drive& drive) const {
    if (!inquiries_.enabled() || !drive.shared) return false;
    const DriveRecord& record = drive.record;
    return record.reservation.state == ReservationState::reserved &&
           (record.reservation.holders.empty() || record.evidence == HolderEvidence::host_asserted);
}

// False: there is nobody to ask.
bool ReservationAgent::Rules::ask_about_holder(Drive& drive, bool policy_waits) {
    if (!needs_a_statement(drive)) return false;
    std::map<AgentName, HolderInquiries::Asked> asked;
    std::size_t waited_for = 0;
    for (const auto& [name, agent] : agents_) {
        const AgentState state = agent.record.state;
        if (state == AgentState::never_seen || state == AgentState::stopped) continue;
        // One that is lost or just starting may answer; nobody waits for it.
        const bool wait = state == AgentState::started;
        asked.emplace(name, HolderInquiries::Asked{agent.domain, wait, std::nullopt});
        if (wait) ++waited_for;
    }
    if (waited_for == 0) return false;
    const DriveSerial& serial = drive.record.drive;
    const HolderInquiry inquiry{numbers_.next(), configuration_.controller, serial,
                                HolderRequest::tell};
    for (const auto& [name, ignored] : asked) {
        effects_.act(AskHolder{name, inquiry});
    }
    if (policy_waits) {
        log(Message::holder_asked, {serial, {}, inquiry.id},
            {serial.text, std::to_string(asked.size())});
    }
    inquiries_.ask(serial, inquiry.id, std::move(asked), policy_waits, now_.monotonic);
    return true;
}

void ReservationAgent::Rules::stop_asking(const DriveSerial& drive,
                                          const std::vector<AgentName>& agents) {
    for (const auto& name : agents) {
        effects_.act(StopAsking{name, drive});
    }
}

void ReservationAgent::Rules::handle(const HolderStated& input) {
    const HolderStatement& statement = input.statement;
    Drive* drive = find_drive(statement.drive);
    Agent* agent = find_agent(statement.agent);
    if (drive == nullptr || agent == nullptr || statement.controller != configuration_.controller) {
        log(Message::peer_unknown, {statement.drive, statement.agent, {}},
            {statement.agent, statement.drive.text});
        return;
    }
    agent->last_seen = now_.wall;
    if (agent->record.state == AgentState::stopped) return;
    switch (inquiries_.take(believed(statement, *agent))) {
        case HolderInquiries::Taken::repeated:
        case HolderInquiries::Taken::older:
            return;
        case HolderInquiries::Taken::never_asked:
            log(Message::statement_from_nowhere, {statement.drive, statement.agent, statement.id},
                {statement.drive.text, statement.agent, to_text(statement.id)});
            return;
        case HolderInquiries::Taken::counts:
            break;
    }
    // An answer that comes late may still name the holder, or contradict who was named.
    const bool late = !inquiries_.find(statement.drive)->open;
    if (late || inquiries_.complete(statement.drive)) conclude(*drive);
}

// A host speaks for its own ports only, and which those are is for the administrator to say.
HolderStatement ReservationAgent::Rules::believed(HolderStatement statement, const Agent& agent) {
    if (statement.answer != HolderAnswer::mine) return statement;
    std::erase_if(statement.ports, [&](const InitiatorPort& port) {
        return domain_of(port, configuration_.domains) != agent.domain;
    });
    const bool other_domain = !statement.domain.empty() && statement.domain != agent.domain;
    if (!statement.ports.empty() && !other_domain) return statement;
    const std::string why = other_domain ? "it says that it is of domain " + statement.domain
                                         : "it names no port of its own domain";
    log(Message::statement_not_believed, {statement.drive, statement.agent, statement.id},
        {statement.drive.text, statement.agent, why});
    statement.answer = HolderAnswer::can_not_tell;
    statement.detail = "not believed: " + why;
    return statement;
}

void ReservationAgent::Rules::conclude(Drive& drive) {
    const DriveSerial serial = drive.record.drive;
    const HolderConclusion conclusion = inquiries_.conclusion_of(serial);
    const bool policy_waited = inquiries_.find(serial)->policy_waits;
    stop_asking(serial, inquiries_.close(serial, now_.monotonic));
    take_conclusion(drive, conclusion, policy_waited);
}

void ReservationAgent::Rules::take_conclusion(Drive& drive, const HolderConclusion& conclusion,
                                              bool policy_waited) {
    const DriveSerial& serial = drive.record.drive;
    const bool known_by_word = drive.record.evidence == HolderEvidence::host_asserted &&
                               !drive.record.reservation.holders.empty();
    switch (conclusion.kind) {
        case HolderConclusion::Kind::named: {
            const auto change = drive.tracker.name_holders(
                conclusion.ports, HolderEvidence::host_asserted, drive.record.since);
            if (!change) return;
            const AgentName& first = conclusion.agents.front();
            const auto& statement = inquiries_.find(serial)->agents.at(first).statement;
            log(Message::holder_stated, {serial, first, {}},
                {serial.text, list_in_words(conclusion.agents), statement->detail});
            return reservation_changed(drive, *change);
        }
        case HolderConclusion::Kind::contradiction:
            if (known_by_word || policy_waited) {
                log(Message::statements_contradict, {serial, {}, {}},
                    {serial.text, list_in_words(conclusion.agents)});
            }
            if (known_by_word) {
                return withdraw(drive, "agents " + list_in_words(conclusion.agents) +
                                           " each say that their host holds it");
            }
            break;
        case HolderConclusion::Kind::nobody:
            if (known_by_word) return withdraw_if_denied(drive);
            break;
    }
    if (policy_waited) apply_unknown_holder_policy(drive);
}

// Silence takes nothing back: the reservation of a host may outlive its agent. A host that says
// "not mine" does.
void ReservationAgent::Rules::withdraw_if_denied(Drive& drive) {
    const auto& agents = inquiries_.find(drive.record.drive)->agents;
    const auto& holders = drive.record.reservation.holders;
    const auto denied = [&agents](const InitiatorPort& holder) {
        return std::any_of(agents.begin(), agents.end(), [&holder](const auto& entry) {
            const auto& statement = entry.second.statement;
            return statement && statement->answer == HolderAnswer::not_mine &&
                   std::any_of(statement->ports.begin(), statement->ports.end(),
                               [&holder](const InitiatorPort& port) {
                                   return same_host_port(port, holder);
                               });
        });
    };
    if (!std::all_of(holders.begin(), holders.end(), denied)) return;
    withdraw(drive, "the host that said it was its own says so no more");
}

void ReservationAgent::Rules::withdraw(Drive& drive, const std::string& why) {
    log(Message::statement_withdrawn, {drive.record.drive, {}, {}}, {drive.record.drive.text, why});
    reservation_changed(drive, drive.tracker.forget_holders(drive.record.since));
}

// The process before this one may have ended while the policy still waited for answers.
void ReservationAgent::Rules::ask_what_restart_left_open() {
    for (auto& [serial, drive] : drives_) {
        if (!needs_a_statement(drive)) continue;
        const bool policy_is_due = holder_is_unknown(drive.record.reservation) && usable(drive) &&
                                   !alarms_.is_active({AlarmKind::holder_unknown, serial, {}});
        if (!ask_about_holder(drive, policy_is_due) && policy_is_due) {
            apply_unknown_holder_policy(drive);
        }
    }
}

// An agent that has come up may be the holder's.
void ReservationAgent::Rules::ask_again_soon() {
    for (const auto& [serial, drive] : drives_) {
        const HolderInquiries::Question* question = inquiries_.find(serial);
        if (!needs_a_statement(drive) || (question != nullptr && question->open)) continue;
        inquiries_.ask_again(serial, now_.monotonic + Duration{1});
    }
}

void ReservationAgent::Rules::run_inquiries(Instant now) {
    for (const DriveSerial& serial : inquiries_.timed_out(now)) {
        if (Drive* drive = find_drive(serial)) conclude(*drive);
    }
    for (const DriveSerial& serial : inquiries_.due_again(now)) {
        Drive* drive = find_drive(serial);
        if (drive != nullptr) ask_about_holder(*drive, false);
    }
}

void ReservationAgent::Rules::reconfigure_inquiries() {
    inquiries_.set_times({configuration_.holder_inquiry, configuration_.holder_inquiry_repeat});
    for (const DriveSerial& serial : inquiries_.drives()) {
        Drive* drive = find_drive(serial);
        if (drive != nullptr && needs_a_statement(*drive)) continue;
        const HolderInquiries::Question* question = inquiries_.find(serial);
        const bool policy_waited = question != nullptr && question->policy_waits;
        stop_asking(serial, inquiries_.drop(serial));
        if (drive != nullptr && drive->shared && policy_waited) apply_unknown_holder_policy(*drive);
    }
    ask_again_soon();
}

}  // namespace agent::core

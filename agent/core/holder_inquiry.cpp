#include "agent/core/holder_inquiry.hpp"

#include <algorithm>
#include <utility>

namespace agent::core {
namespace {

std::vector<AgentName> silent_agents(const HolderInquiries::Question& question) {
    std::vector<AgentName> silent;
    for (const auto& [name, asked] : question.agents) {
        if (!asked.statement) silent.push_back(name);
    }
    return silent;
}

}  // namespace

void HolderInquiries::ask(const DriveSerial& drive, NoticeId id, std::map<AgentName, Asked> agents,
                          bool policy_waits, Instant now) {
    again_at_.erase(drive);
    newest_ = id;
    questions_[drive] = Question{id, now, true, policy_waits, std::move(agents)};
}

std::vector<AgentName> HolderInquiries::drop(const DriveSerial& drive) {
    again_at_.erase(drive);
    const auto found = questions_.find(drive);
    if (found == questions_.end()) return {};
    std::vector<AgentName> silent;
    if (found->second.open) silent = silent_agents(found->second);
    questions_.erase(found);
    return silent;
}

// Inquiry rules. Tests: reservation_agent_holders_test.cpp; oracle
// invariant "named by a statement".
HolderInquiries::Taken HolderInquiries::take(const HolderStatement& statement) {
    if (statement.id > newest_) return Taken::never_asked;
    const auto question = questions_.find(statement.drive);
    if (question == questions_.end() || statement.id < question->second.id) return Taken::older;
    if (statement.id != question->second.id) return Taken::never_asked;
    const auto asked = question->second.agents.find(statement.agent);
    if (asked == question->second.agents.end()) return Taken::never_asked;
    if (asked->second.statement) return Taken::repeated;
    asked->second.statement = statement;
    return Taken::counts;
}

bool HolderInquiries::complete(const DriveSerial& drive) const {
    const Question* question = find(drive);
    return question != nullptr &&
           std::none_of(question->agents.begin(), question->agents.end(), [](const auto& entry) {
               return entry.second.waited_for && !entry.second.statement;
           });
}

HolderConclusion HolderInquiries::conclusion_of(const DriveSerial& drive) const {
    HolderConclusion conclusion;
    const Question* question = find(drive);
    if (question == nullptr) return conclusion;
    std::set<DomainName> domains;
    bool without_domain = false;
    std::set<InitiatorPort> ports;
    for (const auto& [name, asked] : question->agents) {
        if (!asked.statement) continue;
        if (asked.statement->answer != HolderAnswer::mine) continue;
        conclusion.agents.push_back(name);
        asked.domain.empty() ? void(without_domain = true) : void(domains.insert(asked.domain));
        ports.insert(asked.statement->ports.begin(), asked.statement->ports.end());
    }
    if (conclusion.agents.empty()) return conclusion;
    const bool one_domain = domains.size() == 1 && !without_domain;
    if (conclusion.agents.size() > 1 && !one_domain) {
        conclusion.kind = HolderConclusion::Kind::contradiction;
        return conclusion;
    }
    conclusion.kind = HolderConclusion::Kind::named;
    conclusion.ports.assign(ports.begin(), ports.end());
    return conclusion;
}

std::vector<AgentName> HolderInquiries::close(const DriveSerial& drive, Instant now) {
    const auto found = questions_.find(drive);
    if (found == questions_.end() || !found->second.open) return {};
    found->second.open = false;
    found->second.policy_waits = false;
    again_at_[drive] = now + times_.repeat;
    return silent_agents(found->second);
}

const HolderInquiries::Question* HolderInquiries::find(const DriveSerial& drive) const {
    const auto found = questions_.find(drive);
    return found == questions_.end() ? nullptr : &found->second;
}

std::vector<DriveSerial> HolderInquiries::drives() const {
    std::set<DriveSerial> all;
    for (const auto& [drive, question] : questions_) {
        all.insert(drive);
    }
    for (const auto& [drive, at] : again_at_) {
        all.insert(drive);
    }
    return {all.begin(), all.end()};
}

std::vector<DriveSerial> HolderInquiries::timed_out(Instant now) const {
    std::vector<DriveSerial> drives;
    for (const auto& [drive, question] : questions_) {
        if (question.open && question.asked_at + times_.timeout <= now) drives.push_back(drive);
    }
    return drives;
}

std::vector<DriveSerial> HolderInquiries::due_again(Instant now) {
    std::vector<DriveSerial> drives;
    for (const auto& [drive, at] : again_at_) {
        if (at <= now) drives.push_back(drive);
    }
    for (const auto& drive : drives) {
        again_at_.erase(drive);
    }
    return drives;
}

std::optional<Instant> HolderInquiries::next_wakeup() const {
    std::optional<Instant> earliest;
    const auto consider = [&earliest](Instant at) {
        if (!earliest || at < *earliest) earliest = at;
    };
    for (const auto& [drive, question] : questions_) {
        if (question.open) consider(question.asked_at + times_.timeout);
    }
    for (const auto& [drive, at] : again_at_) {
        consider(at);
    }
    return earliest;
}

void HolderInquiries::describe(const DriveSerial& drive, HolderSearch& search) const {
    const Question* question = find(drive);
    if (question == nullptr) return;
    for (const auto& [name, asked] : question->agents) {
        std::string said = "agent " + name + ": ";
        if (!asked.statement) {
            said += question->open ? "asked, no answer yet" : "no answer";
        } else {
            said += to_text(asked.statement->answer);
            if (!asked.statement->detail.empty()) said += " (" + asked.statement->detail + ")";
        }
        search.rungs.push_back({std::string(to_text(HolderEvidence::host_asserted)), said});
        if (!asked.statement || asked.statement->answer != HolderAnswer::mine) continue;
        HolderCandidate candidate{HolderEvidence::host_asserted, Sureness::asserted, std::nullopt,
                                  "agent " + name + ": " + asked.statement->detail};
        if (asked.statement->ports.size() == 1) candidate.port = asked.statement->ports.front();
        const auto weaker = std::find_if(
            search.candidates.begin(), search.candidates.end(),
            [](const HolderCandidate& other) { return other.sureness > Sureness::asserted; });
        search.candidates.insert(weaker, std::move(candidate));
    }
}

}  // namespace agent::core

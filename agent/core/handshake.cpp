#include "agent/core/handshake.hpp"

#include <algorithm>

#include "agent/core/assert.hpp"

namespace agent::core {
namespace {

void open(Debt& debt, NoticeId id, Instant now) {
    debt = Debt{};
    debt.unconfirmed.push_back({id, now});
    debt.clock = now;
}

void append(Debt& debt, NoticeId id, Instant now) {
    debt.attempts = 1;
    debt.received = false;
    if (debt.unconfirmed.back().id == id) return;
    if (debt.unconfirmed.size() == unconfirmed_notices_max) debt.unconfirmed.pop_back();
    debt.unconfirmed.push_back({id, now});
}

void restart_clock(Debt& debt, Instant at) {
    debt.clock = at;
    debt.retries = 0;
}

void trim(Debt& debt, NoticeId confirmed) {
    auto& list = debt.unconfirmed;
    const auto left = std::find_if(list.begin(), list.end(),
                                   [confirmed](const auto& entry) { return confirmed < entry.id; });
    AGENT_ASSERT(left != list.begin() && left != list.end());
    list.erase(list.begin(), left);
    restart_clock(debt, std::max(debt.clock, list.front().told_at));
    debt.extensions = 0;
}

}  // namespace

DebtAction Handshake::dispatch(const DebtKey& key, DebtEvent event, NoticeId id, Instant now) {
    const auto known = debts_.find(key);
    const DebtState from = known == debts_.end() ? DebtState::settled : known->second.state;
    const DebtRow& row = row_of(debt_table, from, event);
    switch (row.action) {
        case DebtAction::nothing:
            return row.action;
        case DebtAction::open:
            open(debts_[key], id, now);
            break;
        case DebtAction::append:
            append(known->second, id, now);
            break;
        case DebtAction::trim:
            trim(known->second, id);
            break;
        case DebtAction::settle:
        case DebtAction::drop:
            debts_.erase(known);
            return row.action;
        case DebtAction::note_answer:
            break;
        case DebtAction::restart_clock:
            restart_clock(known->second, now);
            ++known->second.extensions;
            break;
        case DebtAction::ask_again: {
            // After a long sleep of the process several retries may be due at once: one is sent.
            const auto periods = (now - known->second.clock).ms / times_.timeout.ms;
            known->second.retries = std::min(times_.retries, static_cast<std::uint32_t>(periods));
            ++known->second.attempts;
            known->second.received = false;
            break;
        }
        case DebtAction::give_up:
            break;
        case DebtAction::impossible:
            AGENT_ASSERT(false && "a debt without a running clock timed out");
    }
    debts_.at(key).state = row.to;
    return row.action;
}

DebtAction Handshake::told(const DebtKey& key, DebtEvent event, NoticeId id, bool excused,
                           Now now) {
    AGENT_ASSERT(event == DebtEvent::notice || event == DebtEvent::agent_resynchronized);
    const Debt* before = find(key);
    if (before != nullptr && before->excused && !excused) debts_.erase(key);
    const DebtAction action = dispatch(key, event, id, now.monotonic);
    if (action == DebtAction::open) debts_.at(key).excused = excused;
    return action;
}

DebtAction Handshake::answered(const DebtKey& key, NoticeId id, ConfirmationResult result,
                               const std::string& words, Now now) {
    const Debt* debt = find(key);
    if (debt == nullptr) return DebtAction::nothing;
    // A repeat of an answer that was counted before: a second "draining" must not cost a second
    // extension.
    if (id < debt->unconfirmed.front().id) return DebtAction::nothing;
    DebtEvent event = DebtEvent::refused;
    if (settles(result)) {
        event = id >= debt->unconfirmed.back().id ? DebtEvent::confirmed_newest
                                                  : DebtEvent::confirmed_older;
    } else if (result == ConfirmationResult::draining) {
        event = debt->extensions < draining_extensions_max ? DebtEvent::draining
                                                           : DebtEvent::draining_too_often;
    }
    const DebtAction action = dispatch(key, event, id, now.monotonic);
    if (action == DebtAction::note_answer || action == DebtAction::restart_clock) {
        debts_.at(key).last_answer = words;
    }
    return action;
}

DebtAction Handshake::waive(const DebtKey& key, DebtEvent event) {
    AGENT_ASSERT(event == DebtEvent::agent_excused || event == DebtEvent::administrator_cleared);
    return dispatch(key, event, {}, {});
}

void Handshake::excuse(const DebtKey& key) {
    const auto known = debts_.find(key);
    if (known != debts_.end()) known->second.excused = true;
}

std::vector<std::pair<DebtKey, DebtEvent>> Handshake::timeouts(Instant now) const {
    std::vector<std::pair<DebtKey, DebtEvent>> due;
    for (const auto& [key, debt] : debts_) {
        if (debt.state == DebtState::overdue) continue;
        if (now >= debt.clock + times_.budget()) {
            due.emplace_back(key, DebtEvent::timeout_budget_spent);
        } else if (now >= next_timeout(debt)) {
            due.emplace_back(key, DebtEvent::timeout_with_retry_left);
        }
    }
    return due;
}

DebtAction Handshake::timed_out(const DebtKey& key, DebtEvent event, Instant now) {
    AGENT_ASSERT(event == DebtEvent::timeout_with_retry_left ||
                 event == DebtEvent::timeout_budget_spent);
    return dispatch(key, event, {}, now);
}

void Handshake::received(const DebtKey& key, NoticeId id) {
    const auto known = debts_.find(key);
    if (known == debts_.end() || id < known->second.unconfirmed.back().id) return;
    known->second.received = true;
}

Instant Handshake::next_timeout(const Debt& debt) const {
    return debt.clock + times_.timeout * (std::int64_t{debt.retries} + 1);
}

std::optional<Instant> Handshake::next_wakeup() const {
    std::optional<Instant> earliest;
    for (const auto& [key, debt] : debts_) {
        if (debt.state == DebtState::overdue) continue;
        const Instant due = std::min(next_timeout(debt), debt.clock + times_.budget());
        if (!earliest || due < *earliest) earliest = due;
    }
    return earliest;
}

const Debt* Handshake::find(const DebtKey& key) const {
    const auto known = debts_.find(key);
    return known == debts_.end() ? nullptr : &known->second;
}

std::vector<DebtKey> Handshake::of_drive(const DriveSerial& drive) const {
    std::vector<DebtKey> keys;
    for (auto debt = debts_.lower_bound({drive, {}});
         debt != debts_.end() && debt->first.drive == drive; ++debt) {
        keys.push_back(debt->first);
    }
    return keys;
}

std::vector<DebtKey> Handshake::of_agent(const AgentName& agent) const {
    std::vector<DebtKey> keys;
    for (const auto& [key, debt] : debts_) {
        if (key.agent == agent) keys.push_back(key);
    }
    return keys;
}

DebtRecord Handshake::record_of(const DebtKey& key) const {
    DebtRecord record{key.drive, key.agent, {}};
    if (const Debt* debt = find(key)) {
        record.excused = debt->excused;
        for (const auto& entry : debt->unconfirmed) {
            record.unconfirmed.push_back(entry.id);
        }
    }
    return record;
}

}  // namespace agent::core

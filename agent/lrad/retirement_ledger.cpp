#include "agent/lrad/retirement_ledger.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

namespace agent::lrad {

using core::AgentName;
using nlohmann::json;
using postgres::AgentRetirement;

void RetirementLedger::retire(const AgentRetirement& retirement) {
    entries_[retirement.agent] = {retirement, false, false};
}

bool RetirementLedger::returned(const AgentName& agent) {
    const auto known = entries_.find(agent);
    if (known == entries_.end() || known->second.ended) return false;
    // Also when it was never told: it may have been put although nobody knows.
    known->second.ended = true;
    known->second.told = false;
    return true;
}

const AgentRetirement* RetirementLedger::find(const AgentName& agent) const {
    const auto known = entries_.find(agent);
    if (known == entries_.end() || known->second.ended) return nullptr;
    return &known->second.retirement;
}

std::vector<RetirementLedger::Change> RetirementLedger::untold() const {
    std::vector<Change> changes;
    for (const auto& [agent, entry] : entries_) {
        if (!entry.told) changes.push_back({entry.retirement, entry.ended});
    }
    return changes;
}

bool RetirementLedger::told(const Change& change) {
    const auto known = entries_.find(change.retirement.agent);
    // It may have become another one since.
    if (known == entries_.end() || known->second.told || known->second.ended != change.ended ||
        known->second.retirement.id != change.retirement.id)
        return false;
    if (change.ended) {
        entries_.erase(known);
    } else {
        known->second.told = true;
    }
    return true;
}

RetirementLedger::Adopted RetirementLedger::adopt(const std::vector<AgentRetirement>& rows) {
    Adopted adopted;
    std::set<AgentName> seen;
    for (const auto& row : rows) {
        seen.insert(row.agent);
        const auto known = entries_.find(row.agent);
        if (known != entries_.end()) {
            Entry& entry = known->second;
            if (entry.retirement.id == row.id) {
                if (!entry.ended && !std::exchange(entry.told, true))
                    adopted.touched.push_back(row.agent);
                continue;
            }
            if (!entry.ended && !entry.told) continue;  // this node's word is newer
        }
        entries_[row.agent] = {row, false, true};
        adopted.retired.push_back(row);
        adopted.touched.push_back(row.agent);
    }
    std::erase_if(entries_, [&](const auto& known) {
        if (!known.second.told || seen.contains(known.first)) return false;
        adopted.touched.push_back(known.first);
        return true;
    });
    return adopted;
}

std::string RetirementLedger::text_of(const AgentName& agent) const {
    const auto known = entries_.find(agent);
    if (known == entries_.end()) return {};
    const auto& [retirement, ended, told] = known->second;
    return json{{"id", retirement.id},
                {"actor", retirement.actor},
                {"reason", retirement.reason},
                {"since", retirement.since.ms},
                {"ended", ended},
                {"told", told}}
        .dump(-1, ' ', false, json::error_handler_t::replace);
}

void RetirementLedger::recall(const AgentName& agent, const std::string& text) {
    const json kept = json::parse(text, nullptr, false);
    if (!kept.is_object()) return;
    try {
        Entry entry;
        entry.retirement.agent = agent;
        entry.retirement.id = kept.at("id").get<std::string>();
        entry.retirement.actor = kept.at("actor").get<std::string>();
        entry.retirement.reason = kept.at("reason").get<std::string>();
        entry.retirement.since = {kept.at("since").get<std::int64_t>()};
        entry.ended = kept.at("ended").get<bool>();
        entry.told = kept.at("told").get<bool>();
        entries_[agent] = std::move(entry);
    } catch (const json::exception&) {
        entries_.erase(agent);
    }
}

}  // namespace agent::lrad

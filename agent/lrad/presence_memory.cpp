#include "agent/lrad/presence_memory.hpp"

#include <charconv>
#include <string_view>

namespace agent::lrad {
namespace {

constexpr std::string_view started_word = "started ";
constexpr std::string_view stopping_word = "stopping ";

}  // namespace

bool PresenceMemory::hear(const core::AgentPresence& said, bool stopping) {
    const auto [known, first] = newest_.try_emplace(said.agent, Word{said, stopping});
    if (first) return true;
    const std::uint64_t newest = known->second.presence.incarnation;
    const bool ends = stopping && !known->second.stopping && said.incarnation == newest;
    if (said.incarnation <= newest && !ends) return false;
    known->second = {said, stopping};
    return true;
}

const core::AgentPresence* PresenceMemory::find(const core::AgentName& agent, bool stopping) const {
    const auto known = newest_.find(agent);
    if (known == newest_.end() || known->second.stopping != stopping) return nullptr;
    return &known->second.presence;
}

const core::AgentPresence* PresenceMemory::started(const core::AgentName& agent) const {
    return find(agent, false);
}

const core::AgentPresence* PresenceMemory::stopping(const core::AgentName& agent) const {
    return find(agent, true);
}

std::string PresenceMemory::text_of(const core::AgentName& agent) const {
    const auto known = newest_.find(agent);
    if (known == newest_.end()) return {};
    const Word& word = known->second;
    return std::string(word.stopping ? stopping_word : started_word) +
           std::to_string(word.presence.incarnation) + ' ' + word.presence.controller;
}

void PresenceMemory::recall(const core::AgentName& agent, const std::string& text) {
    std::string_view left = text;
    const bool stopping = left.starts_with(stopping_word);
    if (!stopping && !left.starts_with(started_word)) return;
    left.remove_prefix(stopping ? stopping_word.size() : started_word.size());
    core::AgentPresence presence;
    presence.agent = agent;
    const auto read = std::from_chars(left.data(), left.data() + left.size(), presence.incarnation);
    const auto* const end = left.data() + left.size();
    if (read.ec != std::errc{} || read.ptr == end || *read.ptr != ' ') return;
    presence.controller = std::string(read.ptr + 1, end);
    hear(presence, stopping);
}

}  // namespace agent::lrad

#include "agent/core/agent_roster.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <tuple>

namespace agent::core {
namespace {

constexpr std::string_view started_word = "started ";
constexpr std::string_view stopping_word = "stopping ";
constexpr std::string_view retired_word = "retired ";
constexpr std::string_view before_era = " @";

std::optional<std::uint64_t> take_number(std::string_view& left) {
    std::uint64_t value = 0;
    const auto* const end = left.data() + left.size();
    const auto read = std::from_chars(left.data(), end, value);
    if (read.ec != std::errc{}) return std::nullopt;
    left.remove_prefix(static_cast<std::size_t>(read.ptr - left.data()));
    return value;
}

}  // namespace

bool is_newer(const AgentWord& word, const AgentWord& than) {
    return std::tie(word.era, word.incarnation, word.stopping) >
           std::tie(than.era, than.incarnation, than.stopping);
}

bool AgentRoster::take(const AgentWord& word) {
    const auto [known, first] = words_.try_emplace(word.agent, Entry{word, false});
    if (first) return true;
    if (!is_newer(word, known->second.word)) return false;
    known->second = {word, false};
    return true;
}

bool AgentRoster::hear(const AgentName& agent, std::uint64_t incarnation, bool stopping) {
    return take({agent, era_of(agent), incarnation, stopping});
}

bool AgentRoster::retire(const AgentName& agent, std::uint64_t era) {
    if (knows(agent) && era <= era_of(agent)) return false;
    return take({agent, era, 0, false});
}

std::uint64_t AgentRoster::era_of(const AgentName& agent) const {
    const auto known = words_.find(agent);
    return known == words_.end() ? 0 : known->second.word.era;
}

std::optional<std::uint64_t> AgentRoster::life_of(const AgentName& agent, bool stopping) const {
    const auto known = words_.find(agent);
    if (known == words_.end()) return std::nullopt;
    const AgentWord& word = known->second.word;
    if (word.incarnation == 0 || word.stopping != stopping) return std::nullopt;
    return word.incarnation;
}

std::optional<std::uint64_t> AgentRoster::started(const AgentName& agent) const {
    return life_of(agent, false);
}

std::optional<std::uint64_t> AgentRoster::stopping(const AgentName& agent) const {
    return life_of(agent, true);
}

std::vector<AgentRoster::News> AgentRoster::adopt(const std::vector<AgentWord>& rows) {
    compared_ = true;
    for (auto& [agent, entry] : words_)
        entry.told = false;
    std::vector<News> news;
    for (const auto& row : rows) {
        const bool is_first = !knows(row.agent);
        const bool is_new_era = row.era > era_of(row.agent);
        if (take(row)) news.push_back({row, is_first, is_new_era});
        Entry& entry = words_.at(row.agent);
        entry.told = entry.word == row;
    }
    return news;
}

std::vector<AgentWord> AgentRoster::untold(const std::vector<AgentName>& agents) const {
    std::vector<AgentWord> words;
    if (!compared_) return words;
    for (const auto& [agent, entry] : words_) {
        const bool counts = std::find(agents.begin(), agents.end(), agent) != agents.end();
        if (counts && !entry.told) words.push_back(entry.word);
    }
    return words;
}

void AgentRoster::told(const std::vector<AgentWord>& words) {
    for (const auto& word : words) {
        const auto known = words_.find(word.agent);
        if (known != words_.end() && known->second.word == word) known->second.told = true;
    }
}

std::string AgentRoster::text_of(const AgentName& agent) const {
    const auto known = words_.find(agent);
    if (known == words_.end()) return {};
    const AgentWord& word = known->second.word;
    const auto verb = word.incarnation == 0 ? retired_word
                      : word.stopping       ? stopping_word
                                            : started_word;
    return std::string(verb) + std::to_string(word.incarnation) + std::string(before_era) +
           std::to_string(word.era);
}

// Without an era: as it was kept before there were eras.
void AgentRoster::recall(const AgentName& agent, const std::string& text) {
    std::string_view left = text;
    AgentWord word;
    word.agent = agent;
    bool is_known_verb = false;
    for (const auto verb : {started_word, stopping_word, retired_word}) {
        if (!left.starts_with(verb)) continue;
        left.remove_prefix(verb.size());
        word.stopping = verb == stopping_word;
        is_known_verb = true;
        break;
    }
    if (!is_known_verb) return;
    const auto incarnation = take_number(left);
    if (!incarnation || !left.starts_with(' ')) return;
    word.incarnation = *incarnation;
    if (left.starts_with(before_era)) {
        left.remove_prefix(before_era.size());
        const auto era = take_number(left);
        if (!era || !left.empty()) return;
        word.era = *era;
    }
    take(word);
}

}  // namespace agent::core

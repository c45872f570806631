#include "agent/host/state_reader.hpp"

#include <algorithm>
#include <utility>

#include "agent/host/line_pattern.hpp"

namespace agent::host {

using core::ApplicationDriveState;
using core::Error;

core::Result<StateReader> StateReader::compile(const StateRules& rules, const DriveNames& names) {
    using enum ApplicationDriveState;
    StateReader reader;
    for (const auto& added : {
             reader.add(draining, "draining", rules.draining, rules.draining_statuses, names),
             reader.add(offline, "offline", rules.offline, rules.offline_statuses, names),
             reader.add(online, "online", rules.online, rules.online_statuses, names),
         }) {
        if (!added) return added.error();
    }
    for (const auto state : {online, offline}) {
        if (reader.speaks_of(state)) continue;
        return Error{"nothing says how to recognise that a drive is " +
                     std::string(core::to_text(state)) +
                     "; give a pattern (states) or an exit status (exit_codes) for it"};
    }
    return reader;
}

core::Outcome StateReader::add(ApplicationDriveState state, const std::string& where,
                               const std::vector<std::string>& patterns,
                               const std::vector<int>& statuses, const DriveNames& names) {
    for (std::size_t i = 0; i < patterns.size(); ++i) {
        const std::string path = "states." + where + "[" + std::to_string(i) + "]";
        auto text = fill_in_pattern(patterns[i], names);
        if (!text) return text.error().within(path);
        auto compiled = line_pattern(*text);
        if (!compiled) return Error{path + ": \"" + patterns[i] + "\" " + compiled.error().message};
        patterns_.push_back({state, *text, std::move(compiled).value()});
    }
    for (const int number : statuses) {
        if (listed(number) != nullptr) {
            return Error{"exit_codes." + where + ": " + std::to_string(number) +
                         " stands for two states"};
        }
        statuses_.push_back({state, number});
    }
    return core::Nothing{};
}

bool StateReader::speaks_of(ApplicationDriveState state) const {
    const auto of_state = [&](const auto& rule) { return rule.state == state; };
    return std::any_of(patterns_.begin(), patterns_.end(), of_state) ||
           std::any_of(statuses_.begin(), statuses_.end(), of_state);
}

const StateReader::Status* StateReader::listed(int number) const {
    const auto found = std::find_if(statuses_.begin(), statuses_.end(),
                                    [&](const Status& one) { return one.number == number; });
    return found == statuses_.end() ? nullptr : &*found;
}

ReadState StateReader::read(const CommandOutcome& outcome) const {
    using enum ApplicationDriveState;
    if (outcome.end != CommandOutcome::End::exited)
        return {unknown, "the query did not end: " + describe(outcome)};
    const Status* status = listed(outcome.exit_status);
    if (status == nullptr && outcome.exit_status != 0) {
        return {unknown,
                "the query ended with " + describe(outcome) + ", which stands for no state"};
    }
    if (patterns_.empty()) {
        if (status == nullptr) return {unknown, "exit status 0 stands for no state"};
        return {status->state, describe(outcome)};
    }
    if (outcome.output_cut)
        return {unknown, "the query printed more than is kept, so not all of it was read"};

    ReadState text = read_text(outcome);
    if (text.state == unknown || status == nullptr || status->state == text.state) return text;
    return {unknown, text.how + " says " + std::string(core::to_text(text.state)) + ", but " +
                         describe(outcome) + " stands for " +
                         std::string(core::to_text(status->state))};
}

ReadState StateReader::read_text(const CommandOutcome& outcome) const {
    using enum ApplicationDriveState;
    ReadState said;
    for (const std::string* text : {&outcome.output, &outcome.error_output}) {
        for (const std::string_view line : lines_of(*text)) {
            for (const Pattern& pattern : patterns_) {
                if (!std::regex_match(line.begin(), line.end(), pattern.compiled)) continue;
                ReadState now{pattern.state, in_quotes(line) + " matches \"" + pattern.text + "\""};
                if (pattern.state == draining) return now;
                if (said.state != unknown && said.state != pattern.state) {
                    return {unknown, "the answer contradicts itself: " + said.how + " (" +
                                         std::string(core::to_text(said.state)) + "), and " +
                                         now.how + " (" + std::string(core::to_text(now.state)) +
                                         ")"};
                }
                if (said.state == unknown) said = now;
            }
        }
    }
    if (said.state == unknown)
        said.how = "no pattern matches what the query printed: " + in_quotes(outcome.output);
    return said;
}

}  // namespace agent::host

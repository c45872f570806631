#include "agent/host/profile_answer.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "agent/host/line_pattern.hpp"

namespace agent::host {

std::string_view to_text(AnswerKind value) {
    switch (value) {
        case AnswerKind::failed:
            return "failed";
        case AnswerKind::not_ours:
            return "not_ours";
        case AnswerKind::busy:
            return "busy";
        case AnswerKind::already:
            return "already";
        case AnswerKind::done:
            return "done";
    }
    return "failed";
}

core::Result<AnswerReader> AnswerReader::compile(const AnswerRules& rules,
                                                 const DriveNames& names) {
    using enum AnswerKind;
    AnswerReader reader;
    if (rules.accepted_statuses.empty()) {
        return core::Error{
            "accepted_exit_codes: is empty, so that no command could ever succeed; [0] is usual"};
    }
    reader.accepted_statuses_ = rules.accepted_statuses;
    reader.knows_done_ = !rules.done.empty();
    for (const auto& added : {
             reader.add(failed, rules.failed, names),
             reader.add(not_ours, rules.not_ours, names),
             reader.add(busy, rules.busy, names),
             reader.add(already, rules.already, names),
             reader.add(done, rules.done, names),
         }) {
        if (!added) return added.error();
    }
    return reader;
}

core::Outcome AnswerReader::add(AnswerKind kind, const std::vector<std::string>& patterns,
                                const DriveNames& names) {
    for (std::size_t i = 0; i < patterns.size(); ++i) {
        const std::string path =
            "answers." + std::string(to_text(kind)) + "[" + std::to_string(i) + "]";
        auto text = fill_in_pattern(patterns[i], names);
        if (!text) return text.error().within(path);
        auto compiled = line_pattern(*text);
        if (!compiled) return compiled.error().within(path);
        patterns_.push_back({kind, *text, std::move(compiled).value()});
    }
    return core::Nothing{};
}

ReadAnswer AnswerReader::read(const CommandOutcome& outcome) const {
    using enum AnswerKind;
    if (outcome.end != CommandOutcome::End::exited) return {failed, describe(outcome)};
    const bool accepted = std::find(accepted_statuses_.begin(), accepted_statuses_.end(),
                                    outcome.exit_status) != accepted_statuses_.end();
    std::optional<ReadAnswer> said;
    for (const std::string* text : {&outcome.output, &outcome.error_output}) {
        for (const std::string_view line : lines_of(*text)) {
            for (const Pattern& pattern : patterns_) {
                if (said && said->kind <= pattern.kind) break;
                if (!std::regex_match(line.begin(), line.end(), pattern.compiled)) continue;
                said = {pattern.kind, in_quotes(line)};
            }
        }
    }
    if (!accepted && (!said || said->kind == done || said->kind == failed)) {
        const std::string words =
            first_line(outcome.error_output.empty() ? outcome.output : outcome.error_output, 100);
        const std::string more = said ? ": " + said->how : words.empty() ? "" : ": " + words;
        return {failed, describe(outcome) + more};
    }
    if (said) return *said;
    if (!knows_done_) return {done, describe(outcome)};
    const std::string words = first_line(outcome.output + outcome.error_output, 100);
    return {failed, "nothing in the answer says that it was done" +
                        (words.empty() ? ", it is empty" : ": " + words)};
}

}  // namespace agent::host

#include "agent/host/profile_records.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/host/line_pattern.hpp"

namespace agent::host {

using core::ApplicationDriveState;
using core::Error;
using core::Result;
using nlohmann::json;

namespace record_reading {

// Of one answer; what is more is an answer that nobody can have meant.
constexpr std::size_t records_max = 64;
constexpr std::size_t record_lines_max = 2'000;
constexpr int depth_max = 16;  // of values inside values

using Record = std::vector<std::string>;

struct Rule {
    const RecordRule* rule;
    std::vector<std::regex> all;
    std::vector<std::regex> none;
};

// All patterns, ready to be used on one answer.
struct Patterns {
    std::optional<std::regex> begin;
    std::optional<std::regex> end;
    std::vector<Rule> rules;
};

Result<std::regex> pattern_of(const std::string& text, const DriveNames& names) {
    auto filled = fill_in_pattern(text, names);
    if (!filled) return filled.error();
    return line_pattern(*filled);
}

Result<std::vector<std::regex>> patterns_of(const std::vector<std::string>& texts,
                                            const DriveNames& names, const std::string& path) {
    std::vector<std::regex> patterns;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        auto pattern = pattern_of(texts[i], names);
        if (!pattern) return pattern.error().within(path + "[" + std::to_string(i) + "]");
        patterns.push_back(std::move(pattern).value());
    }
    return patterns;
}

Result<Patterns> compiled(const RecordRules& rules, const DriveNames& names) {
    Patterns patterns;
    if (!rules.begin.empty()) {
        auto begin = pattern_of(rules.begin, names);
        if (!begin) return begin.error().within("records.begin");
        patterns.begin = std::move(begin).value();
    }
    if (!rules.end.empty()) {
        auto end = pattern_of(rules.end, names);
        if (!end) return end.error().within("records.end");
        patterns.end = std::move(end).value();
    }
    for (std::size_t i = 0; i < rules.rules.size(); ++i) {
        const std::string path = "states[" + std::to_string(i) + "]";
        const RecordRule& rule = rules.rules[i];
        auto all = patterns_of(rule.all, names, path + ".all");
        if (!all) return all.error();
        auto none = patterns_of(rule.none, names, path + ".none");
        if (!none) return none.error();
        patterns.rules.push_back({&rule, std::move(all).value(), std::move(none).value()});
    }
    return patterns;
}

const std::string* line_with(const Record& record, const std::regex& pattern) {
    const auto found = std::find_if(record.begin(), record.end(), [&](const std::string& line) {
        return std::regex_match(line, pattern);
    });
    return found == record.end() ? nullptr : &*found;
}

Result<std::vector<Record>> records_of_text(const std::string& text, const Patterns& patterns) {
    std::vector<Record> records;
    if (!patterns.begin) records.emplace_back();
    bool inside = !patterns.begin;
    for (const std::string_view line : lines_of(text)) {
        const auto matches = [&line](const std::optional<std::regex>& pattern) {
            return pattern && std::regex_match(line.begin(), line.end(), *pattern);
        };
        if (matches(patterns.begin)) {
            inside = true;
            records.emplace_back();
            if (records.size() > records_max) return Error{"it has too many records of the drive"};
        } else if (matches(patterns.end)) {
            inside = false;
        }
        if (!inside) continue;
        records.back().emplace_back(line);
        if (records.back().size() > record_lines_max)
            return Error{"a record of the drive is too long"};
    }
    return records;
}

// A value as a line shows it: texts without quotes.
std::string shown(const json& value) {
    if (value.is_string()) return value.get<std::string>();
    return value.dump(-1, ' ', true, json::error_handler_t::replace);
}

void flatten(const json& value, const std::string& name, int depth, Record& record) {
    if (record.size() >= record_lines_max || depth > depth_max) return;
    if (value.is_object() || value.is_array()) {
        const std::string before = name.empty() ? name : name + ".";
        for (const auto& [key, inner] : value.items())
            flatten(inner, before + key, depth + 1, record);
        return;
    }
    std::string line = name + "=" + shown(value);
    std::replace(line.begin(), line.end(), '\n', ' ');
    record.push_back(line.substr(0, 4'096));
}

bool has_members(const json& element, const std::map<std::string, std::string>& wanted) {
    if (!element.is_object()) return false;
    return std::all_of(wanted.begin(), wanted.end(), [&](const auto& member) {
        const auto found = element.find(member.first);
        return found != element.end() && shown(*found) == member.second;
    });
}

Result<std::vector<Record>> records_of_json(const std::string& text, const RecordRules& rules,
                                            const DriveNames& names) {
    std::map<std::string, std::string> wanted;
    for (const auto& [name, value] : rules.match) {
        auto filled = fill_in_text(value, names);
        if (!filled) return filled.error();
        wanted[name] = std::move(filled).value();
    }
    const json answer = json::parse(text, nullptr, false);
    if (answer.is_discarded()) return Error{"it is not JSON: " + in_quotes(text)};
    const json::json_pointer place(rules.list);  // compile() has tried it
    if (!answer.contains(place)) return Error{"it has nothing at \"" + rules.list + "\""};
    const json& found = answer.at(place);
    std::vector<Record> records;
    const auto take = [&](const json& element) {
        if (!has_members(element, wanted) || records.size() > records_max) return;
        records.emplace_back();
        flatten(element, {}, 0, records.back());
    };
    if (found.is_array()) {
        for (const json& element : found)
            take(element);
    } else {
        take(found);
    }
    if (records.size() > records_max) return Error{"it has too many records of the drive"};
    return records;
}

ReadState state_of(const Record& record, const Patterns& patterns) {
    for (const Rule& rule : patterns.rules) {
        const std::string* line = nullptr;
        const bool all = std::all_of(rule.all.begin(), rule.all.end(), [&](const auto& pattern) {
            line = line_with(record, pattern);
            return line != nullptr;
        });
        const bool none = std::none_of(
            rule.none.begin(), rule.none.end(),
            [&](const auto& pattern) { return line_with(record, pattern) != nullptr; });
        if (!all || !none) continue;
        ReadState read{rule.rule->state, rule.rule->why};
        read.by_somebody_else = rule.rule->by_somebody_else;
        read.say_again = rule.rule->say_again;
        if (line == nullptr && !record.empty()) line = &record.front();
        if (line != nullptr) read.how += (read.how.empty() ? "" : ": ") + in_quotes(*line);
        return read;
    }
    return {ApplicationDriveState::unknown,
            "no rule fits the record that begins with " +
                in_quotes(record.empty() ? std::string() : record.front())};
}

ReadState joined(const std::vector<Record>& records, const Patterns& patterns) {
    using enum ApplicationDriveState;
    std::optional<ReadState> said;
    for (const Record& record : records) {
        ReadState now = state_of(record, patterns);
        if (now.state == draining) return now;
        if (said && said->state != now.state) {
            return {unknown, "the records of the drive differ: " + said->how + " (" +
                                 std::string(core::to_text(said->state)) + "), and " + now.how +
                                 " (" + std::string(core::to_text(now.state)) + ")"};
        }
        if (said) now.by_somebody_else = now.by_somebody_else || said->by_somebody_else;
        said = std::move(now);
    }
    if (!said) return {unknown, "the answer does not mention the drive"};
    return *said;
}

// RFC 6901 section 3.
bool is_pointer(const std::string& text) {
    if (!text.empty() && text.front() != '/') return false;
    for (std::size_t at = text.find('~'); at != std::string::npos; at = text.find('~', at + 1)) {
        if (at + 1 == text.size() || (text[at + 1] != '0' && text[at + 1] != '1')) return false;
    }
    return true;
}

// The one value that the pattern's group has in the answer.
Result<std::string> found_in(const std::string& text, const std::regex& pattern) {
    std::optional<std::string> found;
    for (const std::string_view line : lines_of(text)) {
        std::match_results<std::string_view::const_iterator> match;
        if (!std::regex_match(line.begin(), line.end(), match, pattern)) continue;
        const std::string value = match[1].str();
        if (found && *found != value) return Error{"two of them: " + *found + " and " + value};
        found = value;
    }
    if (!found || found->empty()) return Error{"the answer does not mention the drive"};
    return *found;
}

}  // namespace record_reading

core::Result<RecordReader> RecordReader::compile(const RecordRules& rules,
                                                 const DriveNames& names) {
    using enum ApplicationDriveState;
    RecordReader reader;
    reader.rules_ = rules;
    reader.names_ = names;
    DriveNames trial = names;
    for (const auto& [name, text] : rules.find) {
        auto pattern = record_reading::pattern_of(text, names);
        if (!pattern) return pattern.error().within("find." + name);
        if (pattern->mark_count() != 1)
            return Error{"find." + name + ": must have one group (...), which is what is found"};
        reader.find_.emplace(name, std::move(pattern).value());
        trial.settings[name] = "0";
    }
    auto failed = record_reading::patterns_of(rules.failed, names, "failed");
    if (!failed) return failed.error();
    reader.failed_ = std::move(failed).value();
    if (const auto patterns = record_reading::compiled(rules, trial); !patterns)
        return patterns.error();
    for (const auto& [name, value] : rules.match) {
        if (const auto filled = fill_in_text(value, trial); !filled)
            return filled.error().within("records.match." + name);
    }
    if (!record_reading::is_pointer(rules.list))
        return Error{"records.list: is no JSON pointer; it is empty or begins with '/'"};
    for (const auto state : {online, offline}) {
        const bool known = std::any_of(rules.rules.begin(), rules.rules.end(),
                                       [&](const auto& rule) { return rule.state == state; });
        if (!known) {
            return Error{"states: nothing says how to recognise that a drive is " +
                         std::string(core::to_text(state))};
        }
    }
    return reader;
}

ReadState RecordReader::read(const CommandOutcome& outcome) const {
    using enum ApplicationDriveState;
    if (outcome.end != CommandOutcome::End::exited)
        return {unknown, "the query did not end: " + describe(outcome)};
    for (const std::string* text : {&outcome.error_output, &outcome.output}) {
        for (const std::string_view line : lines_of(*text)) {
            for (const std::regex& pattern : failed_) {
                if (std::regex_match(line.begin(), line.end(), pattern))
                    return {unknown, "the query did not work: " + in_quotes(line)};
            }
        }
    }
    const auto& accepted = rules_.accepted_statuses;
    if (std::find(accepted.begin(), accepted.end(), outcome.exit_status) == accepted.end()) {
        const std::string words =
            first_line(outcome.error_output.empty() ? outcome.output : outcome.error_output, 100);
        return {unknown,
                "the query ended with " + describe(outcome) + (words.empty() ? "" : ": " + words)};
    }
    if (outcome.output_cut)
        return {unknown, "the query printed more than is kept, so not all of it was read"};

    DriveNames names = names_;
    for (const auto& [name, pattern] : find_) {
        auto found = record_reading::found_in(outcome.output, pattern);
        if (!found) return {unknown, found.error().message + " (looked for {" + name + "})"};
        names.settings[name] = std::move(found).value();
    }
    const auto patterns = record_reading::compiled(rules_, names);
    if (!patterns) return {unknown, patterns.error().message};
    const auto records = rules_.form == RecordRules::Form::json
                             ? record_reading::records_of_json(outcome.output, rules_, names)
                             : record_reading::records_of_text(outcome.output, *patterns);
    if (!records) return {unknown, "the answer is not understood: " + records.error().message};
    return record_reading::joined(*records, *patterns);
}

}  // namespace agent::host

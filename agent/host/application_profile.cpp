#include "agent/host/application_profile.hpp"

#include <utility>

#include "agent/host/line_pattern.hpp"
#include "agent/host/program_call.hpp"

namespace agent::host {

namespace {

// A console's commands are short; this is far beyond.
constexpr std::size_t input_bytes_max = std::size_t{64} * 1024;

// Where a step's mistakes are: "offline", or "offline[1]" when there are several.
std::string step_key(const std::string& action, std::size_t number, std::size_t steps) {
    return steps > 1 ? action + "[" + std::to_string(number) + "]" : action;
}

core::Result<std::string> input_of(const StepDescription& step, const DriveNames& names) {
    std::string input;
    for (const std::string& line : step.input) {
        auto filled = fill_in_text(line, names);
        if (!filled) return filled.error().within("input");
        input += *filled + "\n";
    }
    if (input.size() > input_bytes_max) return core::Error{"input: has more than 64 KiB"};
    return input;
}

core::Result<std::vector<std::string>> environment_of(const ProfileDescription& description,
                                                      const DriveNames& names) {
    if (description.environment.empty()) return default_environment();
    std::vector<std::string> environment;
    for (const std::string& variable : description.environment) {
        auto filled = fill_in_text(variable, names);
        if (!filled) return filled.error().within("environment");
        environment.push_back(std::move(filled).value());
    }
    return environment;
}

core::Result<std::vector<std::string>> argv_of(const StepDescription& step,
                                               const ProfileDescription& description,
                                               const DriveNames& names) {
    if (!description.secrets_in_argv) return fill_in_argv(step.argv, names);
    DriveNames all = names;
    for (const auto& secret : std::exchange(all.secrets, {}))
        all.settings.insert(secret);
    return fill_in_argv(step.argv, all);
}

core::Result<ProfileStep> profile_step(const StepDescription& step,
                                       const ProfileDescription& description,
                                       const DriveNames& names) {
    ProfileStep result;
    Command& command = result.command;
    auto argv = argv_of(step, description, names);
    if (!argv) return argv.error();
    command.argv = std::move(argv).value();
    auto input = input_of(step, names);
    if (!input) return input.error();
    command.input = std::move(input).value();
    auto environment = environment_of(description, names);
    if (!environment) return environment.error();
    command.environment = std::move(environment).value();
    for (const auto& [name, value] : names.secrets)
        command.secrets.push_back(value);
    command.timeout = description.timeout;
    command.kill_grace = description.kill_grace;
    auto answers = AnswerReader::compile(step.answers, names);
    if (!answers) return answers.error();
    result.answers = std::move(answers).value();
    return result;
}

core::Result<std::vector<ProfileStep>> profile_steps(const std::string& action,
                                                     const std::vector<StepDescription>& steps,
                                                     const ProfileDescription& description,
                                                     const DriveNames& names) {
    std::vector<ProfileStep> result;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        auto step = profile_step(steps[i], description, names);
        if (!step) return step.error().within(step_key(action, i, steps.size()));
        result.push_back(std::move(step).value());
    }
    return result;
}

core::Result<std::vector<std::regex>> use_patterns(const ProfileDescription& description,
                                                   const DriveNames& names) {
    std::vector<std::regex> patterns;
    for (std::size_t i = 0; i < description.in_use.size(); ++i) {
        const std::string key = "in_use[" + std::to_string(i) + "]";
        const auto text = fill_in_pattern(description.in_use[i], names);
        if (!text) return text.error().within(key);
        auto compiled = line_pattern(*text);
        if (!compiled) return compiled.error().within(key);
        patterns.push_back(std::move(compiled).value());
    }
    return patterns;
}

}  // namespace

std::vector<std::string> default_environment() {
    return {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
            "LANG=C", "HOME=/"};
}

std::string shown_steps(const std::vector<ProfileStep>& steps) {
    std::string line;
    for (const ProfileStep& step : steps)
        line += (line.empty() ? "" : ", then ") + shown_command(step.command);
    return line.empty() ? "nothing: not configured" : line;
}

core::Result<ApplicationProfile> ApplicationProfile::compile(
    const ProfileDescription& description, const std::vector<DriveNames>& drives) {
    ApplicationProfile profile;
    profile.drain_poll_ = description.drain_poll;
    profile.drain_limit_ = description.drain_limit;
    std::vector<StepDescription> asking;
    if (!description.query.argv.empty()) asking.push_back(description.query);
    for (const DriveNames& names : drives) {
        auto query = profile_steps("query", asking, description, names);
        if (query) {
            for (ProfileStep& step : query.value())
                step.command.only_asks = true;
        }
        if (!query) return query.error();
        auto offline = profile_steps("offline", description.offline, description, names);
        if (!offline) return offline.error();
        auto online = profile_steps("online", description.online, description, names);
        if (!online) return online.error();
        auto in_use = use_patterns(description, names);
        if (!in_use) return in_use.error();
        Drive drive{std::move(query).value(), std::move(offline).value(), std::move(online).value(),
                    std::nullopt, std::move(in_use).value()};
        if (!asking.empty()) {
            if (const auto* records = std::get_if<RecordRules>(&description.states)) {
                auto compiled = RecordReader::compile(*records, names);
                if (!compiled) return compiled.error().within("query");
                drive.reader = std::move(compiled).value();
            } else {
                auto compiled =
                    StateReader::compile(std::get<StateRules>(description.states), names);
                if (!compiled) return compiled.error();
                drive.reader = std::move(compiled).value();
            }
        }
        profile.drives_.insert_or_assign(core::DriveSerial{names.serial}, std::move(drive));
    }
    return profile;
}

const std::vector<ProfileStep>& ApplicationProfile::steps(const core::DriveSerial& drive,
                                                          core::ApplicationAction action) const {
    static const std::vector<ProfileStep> nothing;
    const auto found = drives_.find(drive);
    if (found == drives_.end()) return nothing;
    switch (action) {
        case core::ApplicationAction::query:
            return found->second.query;
        case core::ApplicationAction::set_offline:
            return found->second.offline;
        case core::ApplicationAction::set_online:
            return found->second.online;
    }
    return nothing;
}

const Command* ApplicationProfile::command(const core::DriveSerial& drive,
                                           core::ApplicationAction action) const {
    const auto& all = steps(drive, action);
    return all.empty() ? nullptr : &all.front().command;
}

bool ApplicationProfile::tells_use(const core::DriveSerial& drive) const {
    const auto found = drives_.find(drive);
    return found != drives_.end() && !found->second.query.empty() && !found->second.in_use.empty();
}

std::optional<std::string> ApplicationProfile::line_in_use(const core::DriveSerial& drive,
                                                           const CommandOutcome& outcome) const {
    const auto found = drives_.find(drive);
    if (found == drives_.end() || outcome.end != CommandOutcome::End::exited) return std::nullopt;
    for (const std::regex& pattern : found->second.in_use) {
        for (const std::string_view line : lines_of(outcome.output)) {
            if (std::regex_match(line.begin(), line.end(), pattern)) return in_quotes(line);
        }
    }
    return std::nullopt;
}

ReadState ApplicationProfile::read(const core::DriveSerial& drive,
                                   const CommandOutcome& outcome) const {
    const auto found = drives_.find(drive);
    if (found == drives_.end() || !found->second.reader)
        return {core::ApplicationDriveState::unknown, "no query is configured for this drive"};
    return std::visit([&outcome](const auto& reader) { return reader.read(outcome); },
                      *found->second.reader);
}

}  // namespace agent::host

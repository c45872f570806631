#include "agent/host/program_call.hpp"

#include <algorithm>

namespace agent::host {

namespace {

// At most this many bytes of an application's words go into an audit line.
constexpr std::size_t shown_bytes_max = 160;
constexpr std::size_t shown_lines_max = 3;

void append_escaped(std::string& text, char c) {
    constexpr char digits[] = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
        text += '\\';
        text += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
        text += "\\u00";
        text += digits[byte >> 4];
        text += digits[byte & 0x0f];
    } else {
        text += c;
    }
}

std::string first_lines(const std::string& output) {
    std::string shown;
    std::size_t from = 0;
    for (std::size_t line = 0; line < shown_lines_max && from < output.size(); ++line) {
        const std::size_t end = std::min(output.find('\n', from), output.size());
        const std::string words = first_line(output.substr(from, end - from), shown_bytes_max);
        if (!words.empty()) shown += (shown.empty() ? "" : " | ") + words;
        from = end + 1;
    }
    return shown;
}

// What a console was told, line by line, without the end of the last one.
std::vector<std::string> input_lines(const std::string& input) {
    std::vector<std::string> lines;
    std::size_t from = 0;
    while (from < input.size()) {
        const std::size_t end = std::min(input.find('\n', from), input.size());
        lines.push_back(input.substr(from, end - from));
        from = end + 1;
    }
    return lines;
}

}  // namespace

std::string describe(const CommandOutcome& outcome) {
    using enum CommandOutcome::End;
    switch (outcome.end) {
        case exited:
            return "exit status " + std::to_string(outcome.exit_status);
        case signalled:
            return "killed by signal " + std::to_string(outcome.signal);
        case timed_out:
            return "not ended in time: killed after " + std::to_string(outcome.took.ms) + " ms";
        case not_started:
            return "not started: " + outcome.why;
        case not_ending:
            return "not ended in time, and it does not die of SIGKILL: it hangs in the kernel";
        case cancelled:
            return "cancelled";
        case cut_off:
            return "was cut off; it may still be running: " + outcome.why;
    }
    return "ended in an unknown way";
}

std::string first_line(const std::string& text, std::size_t bytes_max) {
    std::size_t from = text.find_first_not_of(" \t\r\n");
    if (from == std::string::npos) return {};
    const std::size_t end = std::min(text.find_first_of("\r\n", from), text.size());
    std::string line = text.substr(from, std::min(end - from, bytes_max));
    std::replace_if(
        line.begin(), line.end(),
        [](char c) {
            return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f;
        },
        '?');
    return line;
}

std::string argv_text(const std::vector<std::string>& argv) {
    std::string text = "[";
    for (const auto& element : argv) {
        if (text.size() > 1) text += ',';
        text += '"';
        for (const char c : element)
            append_escaped(text, c);
        text += '"';
    }
    return text + "]";
}

std::string without_secrets(std::string text, const std::vector<std::string>& secrets) {
    for (const std::string& secret : secrets) {
        if (secret.empty()) continue;
        for (std::size_t at = text.find(secret); at != std::string::npos;
             at = text.find(secret, at + 3)) {
            text.replace(at, secret.size(), "***");
        }
    }
    return text;
}

std::string audit_line(const ProgramCall& call) {
    std::string line = std::string(core::to_text(call.action)) + " " + call.drive.text;
    if (call.steps > 1)
        line += " (" + std::to_string(call.step + 1) + " of " + std::to_string(call.steps) + ")";
    line += ": ";
    if (call.argv.empty()) return line + "nothing run: " + call.detail;
    line += argv_text(call.argv) + " ";
    if (!call.input.empty()) line += "< " + argv_text(input_lines(call.input)) + " ";
    line += describe(call.outcome) + " in " + std::to_string(call.outcome.took.ms) + " ms";
    const std::string said = first_lines(call.outcome.output);
    if (!said.empty()) line += "; printed: " + said;
    const std::string complained = first_lines(call.outcome.error_output);
    if (!complained.empty()) line += "; stderr: " + complained;
    if (call.action == core::ApplicationAction::query) {
        line += "; understood as " + std::string(core::to_text(call.read.state));
        if (!call.read.how.empty()) line += ": " + call.read.how;
    } else if (call.said) {
        line += "; understood as " + std::string(to_text(call.said->kind)) + ": " + call.said->how;
    } else {
        line += call.succeeded ? "; accepted" : "; not accepted";
    }
    return line;
}

std::string shown_command(const Command& command) {
    std::string text = without_secrets(argv_text(command.argv), command.secrets);
    if (!command.input.empty()) {
        text += " < " + without_secrets(argv_text(input_lines(command.input)), command.secrets);
    }
    return text;
}

core::ApplicationAnswered answer(const ProgramCall& call) {
    core::ApplicationAnswered told{call.drive,         call.action, call.succeeded,
                                   call.read.state,    call.detail, call.by_somebody_else,
                                   call.read.say_again};
    const bool changes = call.action != core::ApplicationAction::query;
    if (changes) told.may_run_for = call.outcome.may_run_for;
    return told;
}

}  // namespace agent::host

#include "agent/agentless/ssh_answer.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace agent::agentless {

namespace {

using State = core::HostContact::State;

constexpr int ssh_trouble_status = 255;
constexpr int timeout_status = 124;  // of timeout(1)
constexpr std::size_t words_bytes_max = 160;

// Cuts the last line with the marker off, and gives its number.
std::optional<int> take_marker(std::string& output, const std::string& marker) {
    const std::size_t at = output.rfind("\n" + marker + " ");
    if (at == std::string::npos) return std::nullopt;
    const std::size_t number = at + 1 + marker.size() + 1;
    std::size_t end = number;
    int status = 0;
    while (end < output.size() && output[end] >= '0' && output[end] <= '9' && end < number + 10) {
        status = (status * 10 + (output[end] - '0')) % 1'000'000;
        ++end;
    }
    const std::string_view rest = std::string_view(output).substr(end);
    if (end == number || (rest != "\n" && rest != "\r\n" && !rest.empty())) return std::nullopt;
    // The line feed before the marker is the wrapper's own.
    output.resize(output[at - (at > 0 ? 1 : 0)] == '\r' && at > 0 ? at - 1 : at);
    return status;
}

struct Sign {
    std::string_view text;
    State state;
};

// As OpenSSH's client says it (sshconnect.c, sshconnect2.c).
constexpr Sign signs[] = {
    {"REMOTE HOST IDENTIFICATION HAS CHANGED", State::key_changed},
    {"Host key verification failed", State::key_changed},
    {"host key is known for", State::key_changed},
    {"Permission denied", State::login_refused},
    {"Too many authentication failures", State::login_refused},
    {"Load key ", State::login_refused},
    {"no such identity", State::login_refused},
};

State state_from(const std::string& error_output) {
    for (const Sign& sign : signs) {
        if (error_output.find(sign.text) != std::string::npos) return sign.state;
    }
    return State::unreachable;
}

// The line that says most: of a changed key the fingerprint that was offered, otherwise the last.
std::string telling_line(const std::string& error_output) {
    std::string last;
    std::size_t from = 0;
    while (from < error_output.size()) {
        const std::size_t to = std::min(error_output.find('\n', from), error_output.size());
        const std::string line =
            host::first_line(error_output.substr(from, to - from), words_bytes_max);
        if (line.rfind("SHA256:", 0) == 0) return "it shows " + line;
        if (line.find("host key is known for") != std::string::npos) return line;
        if (!line.empty()) last = line;
        from = to + 1;
    }
    return last.empty() ? "ssh ended with status 255 and said nothing" : last;
}

SshAnswer trouble(State state, std::string words, host::CommandOutcome outcome) {
    SshAnswer answer{state, std::move(words), false, std::move(outcome)};
    answer.outcome.end = host::CommandOutcome::End::not_started;
    answer.outcome.why = "over ssh: " + answer.words;
    return answer;
}

}  // namespace

SshAnswer read_ssh_answer(host::CommandOutcome outcome, const std::string& marker,
                          core::Duration limit) {
    using End = host::CommandOutcome::End;
    switch (outcome.end) {
        case End::not_started:
            return trouble(State::unreachable, "ssh can not be run here: " + outcome.why, outcome);
        case End::timed_out:
        case End::not_ending: {
            std::string words = describe(outcome);
            return {State::command_hung, std::move(words), false, std::move(outcome)};
        }
        case End::signalled:
            return trouble(State::unreachable, "the ssh client was " + describe(outcome), outcome);
        case End::cancelled:
            return trouble(State::unreachable, "it was given up", std::move(outcome));
        case End::exited:
            break;
    }
    if (const auto status = take_marker(outcome.output, marker)) {
        SshAnswer answer{State::reached, {}, true, std::move(outcome)};
        answer.outcome.exit_status = *status;
        if (*status == timeout_status && answer.outcome.took >= limit) {
            answer.outcome.end = End::timed_out;
            answer.contact = State::command_hung;
            answer.words = describe(answer.outcome);
        }
        return answer;
    }
    if (outcome.exit_status == ssh_trouble_status) {
        const State state = state_from(outcome.error_output);
        std::string words = telling_line(outcome.error_output);
        return trouble(state, std::move(words), std::move(outcome));
    }
    if (outcome.output_cut) return {State::reached, {}, false, std::move(outcome)};
    const std::string said = host::first_line(
        outcome.output.empty() ? outcome.error_output : outcome.output, words_bytes_max);
    std::string words = "the command was not run as it was sent (" + describe(outcome) +
                        (said.empty() ? "" : ": " + said) +
                        "); the user's login shell has to be a POSIX shell, and no forced command "
                        "may stand in the way";
    return trouble(State::not_understood, std::move(words), std::move(outcome));
}

}  // namespace agent::agentless

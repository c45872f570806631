#include "agent/agentless/ssh_answer.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace agent::agentless {

namespace {

using State = core::HostContact::State;

constexpr int ssh_trouble_status = 255;
constexpr std::size_t words_bytes_max = 160;
constexpr std::string_view limit_struck = " limit";

// The far side kills a command 2 s after its limit; the rest is for the way there.
constexpr core::Duration far_side_grace{5'000};

struct MarkerLine {
    std::size_t at = 0;  // where the wrapper's own output begins
    int status = 0;
    bool limit_struck = false;
};

// The last line, when it is that with the marker.
std::optional<MarkerLine> find_marker(std::string_view output, const std::string& marker) {
    const std::size_t at = output.rfind("\n" + marker + " ");
    if (at == std::string_view::npos) return std::nullopt;
    MarkerLine line;
    const std::size_t number = at + 1 + marker.size() + 1;
    std::size_t end = number;
    while (end < output.size() && output[end] >= '0' && output[end] <= '9' && end < number + 10) {
        line.status = (line.status * 10 + (output[end] - '0')) % 1'000'000;
        ++end;
    }
    if (end == number) return std::nullopt;
    std::string_view rest = output.substr(end);
    line.limit_struck = rest.substr(0, limit_struck.size()) == limit_struck;
    if (line.limit_struck) rest.remove_prefix(limit_struck.size());
    if (rest != "\n" && rest != "\r\n" && !rest.empty()) return std::nullopt;
    // The line feed before the marker is the wrapper's own.
    line.at = at > 0 && output[at - 1] == '\r' ? at - 1 : at;
    return line;
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
        std::string line = host::first_line(error_output.substr(from, to - from), words_bytes_max);
        if (line.rfind("SHA256:", 0) == 0) return "it shows " + line;
        if (line.find("host key is known for") != std::string::npos) return line;
        if (!line.empty()) last = line;
        from = to + 1;
    }
    return last.empty() ? "ssh ended with status 255 and said nothing" : last;
}

// OpenSSH's client says so before it has sent anything; the master of a kept connection may have
// been cut while it had.
bool certainly_not_sent(State state, const std::string& error_output) {
    if (state == State::key_changed || state == State::login_refused) return true;
    const auto has = [&](std::string_view text) {
        return error_output.find(text) != std::string::npos;
    };
    return !has("mux_client") &&
           (has("ssh: connect to host ") || has("ssh: Could not resolve hostname "));
}

SshAnswer trouble(State state, std::string words, host::CommandOutcome outcome) {
    SshAnswer answer{state, std::move(words), false, std::move(outcome)};
    answer.outcome.end = host::CommandOutcome::End::not_started;
    answer.outcome.why = "over ssh: " + answer.words;
    return answer;
}

// How far it came nobody knows: it may run there until its limit strikes.
SshAnswer cut_off(State state, std::string words, host::CommandOutcome outcome,
                  core::Duration limit) {
    SshAnswer answer = trouble(state, std::move(words), std::move(outcome));
    answer.outcome.end = host::CommandOutcome::End::cut_off;
    answer.outcome.may_run_for = {limit.ms + far_side_grace.ms};
    return answer;
}

SshAnswer ended_there(const MarkerLine& line, host::CommandOutcome outcome) {
    SshAnswer answer{State::reached, {}, true, std::move(outcome)};
    answer.outcome.exit_status = line.status;
    if (line.limit_struck) {
        answer.outcome.end = host::CommandOutcome::End::timed_out;
        answer.contact = State::command_hung;
        answer.words = describe(answer.outcome);
    }
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
            SshAnswer answer{State::command_hung, describe(outcome), false, std::move(outcome)};
            answer.outcome.may_run_for = {limit.ms + far_side_grace.ms};
            return answer;
        }
        case End::signalled:
            return cut_off(State::unreachable, "the ssh client was " + describe(outcome), outcome,
                           limit);
        case End::cancelled:
        case End::cut_off:
            return cut_off(State::unreachable, "it was given up", std::move(outcome), limit);
        case End::exited:
            break;
    }
    if (outcome.output_cut) {
        const auto line = find_marker(outcome.output_tail, marker);
        if (line) return ended_there(*line, std::move(outcome));
    } else if (const auto line = find_marker(outcome.output, marker)) {
        outcome.output.resize(line->at);
        return ended_there(*line, std::move(outcome));
    }
    if (outcome.exit_status == ssh_trouble_status) {
        const State state = state_from(outcome.error_output);
        std::string words = telling_line(outcome.error_output);
        if (certainly_not_sent(state, outcome.error_output))
            return trouble(state, std::move(words), std::move(outcome));
        return cut_off(state, std::move(words), std::move(outcome), limit);
    }
    const std::string said = host::first_line(
        outcome.output.empty() ? outcome.error_output : outcome.output, words_bytes_max);
    std::string words = "the command was not run as it was sent (" + describe(outcome) +
                        (said.empty() ? "" : ": " + said) +
                        "); the user's login shell has to be a POSIX shell, and no forced command "
                        "may stand in the way";
    return cut_off(State::not_understood, std::move(words), std::move(outcome), limit);
}

}  // namespace agent::agentless

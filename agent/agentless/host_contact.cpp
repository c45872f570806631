#include "agent/agentless/host_contact.hpp"

namespace agent::agentless {

using State = core::HostContact::State;

void ContactBook::look_answered(State state, const std::string& words) {
    line_ = state;
    line_words_ = words;
    tell();
}

void ContactBook::application_answered(const SshAnswer& answer) {
    if (answer.contact == State::command_hung) {
        hanging_only_asked_ = answer.only_asked && (!hanging_ || hanging_only_asked_);
        hanging_ = answer.words;
        return tell();
    }
    if (answer.contact == State::reached) {
        if (!answer.only_asked || hanging_only_asked_) hanging_.reset();
        // What a look has found wrong with the host itself stands until a look is content.
        if (line_ == State::not_understood) return tell();
        if (line_ != State::reached) line_words_ = "it answers";
    } else {
        line_words_ = answer.words;
    }
    line_ = answer.contact;
    tell();
}

std::optional<State> ContactBook::state() const {
    if (line_ && *line_ != State::reached) return line_;
    if (hanging_) return State::command_hung;
    return line_;
}

const std::string& ContactBook::words() const {
    return state() == State::command_hung && hanging_ ? *hanging_ : line_words_;
}

void ContactBook::tell() {
    const auto now = state();
    if (now == told_) return;
    told_ = now;
    changed_(*now, words());
}

std::string_view to_text(State state) {
    switch (state) {
        case State::reached:
            return "reached";
        case State::unreachable:
            return "unreachable";
        case State::key_changed:
            return "key_changed";
        case State::login_refused:
            return "login_refused";
        case State::command_hung:
            return "command_hung";
        case State::not_understood:
            return "not_understood";
    }
    return "not_understood";
}

}  // namespace agent::agentless

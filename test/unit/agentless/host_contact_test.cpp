#include "agent/agentless/host_contact.hpp"

#include <vector>

#include "test/support/catch.hpp"

using namespace agent;
using namespace agent::agentless;
using State = core::HostContact::State;

namespace {

struct Told {
    std::vector<State> states;
    ContactBook book{[this](State state, const std::string&) { states.push_back(state); }};

    void application(State state, bool only_asked = false) {
        SshAnswer answer;
        answer.only_asked = only_asked;
        answer.contact = state;
        answer.words = "words";
        book.application_answered(answer);
    }
};

}  // namespace

TEST_CASE("each change is told once") {
    Told told;
    CHECK_FALSE(told.book.reached());
    told.book.look_answered(State::reached, "1 port");
    told.book.look_answered(State::reached, "2 ports");
    told.book.look_answered(State::unreachable, "refused");
    told.book.look_answered(State::unreachable, "timed out");
    told.book.look_answered(State::reached, "1 port");
    CHECK(told.states == std::vector{State::reached, State::unreachable, State::reached});
}

TEST_CASE("a hanging application is over when one of its commands has ended, not by a look") {
    Told told;
    told.book.look_answered(State::reached, "");
    told.application(State::command_hung);
    told.book.look_answered(State::reached, "");
    CHECK(told.book.state() == State::command_hung);
    CHECK(told.book.reached());  // the host is there
    told.application(State::reached);
    CHECK(told.states == std::vector{State::reached, State::command_hung, State::reached});
}

TEST_CASE("a query that works says nothing for a command that hangs") {
    Told told;
    told.book.look_answered(State::reached, "");
    told.application(State::command_hung);
    told.application(State::reached, true);
    told.application(State::command_hung, true);
    told.application(State::reached, true);
    CHECK(told.book.state() == State::command_hung);
    told.application(State::reached);
    told.application(State::command_hung, true);
    told.application(State::reached, true);
    CHECK(told.states == std::vector{State::reached, State::command_hung, State::reached,
                                     State::command_hung, State::reached});
}

TEST_CASE("the application's way to the host tells of the host") {
    Told told;
    told.book.look_answered(State::reached, "");
    told.application(State::unreachable);
    CHECK_FALSE(told.book.reached());
    told.application(State::reached);
    CHECK(told.book.reached());
    told.book.look_answered(State::not_understood, "line 2");
    told.application(State::reached);
    CHECK(told.book.state() == State::not_understood);
}

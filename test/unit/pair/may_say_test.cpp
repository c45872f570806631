#include "agent/pair/may_say.hpp"

#include <string>
#include <vector>

#include "test/support/catch.hpp"

namespace {

using agent::pair::Member;

// node to node, node to agent, agent to node, agent to agent
struct MaySayRow {
    agent::pair::PairMessage message;
    std::string allowed;
};

const std::vector<MaySayRow>& may_say_rows() {
    namespace pair = agent::pair;
    static const std::vector<MaySayRow> rows{
        {pair::PromiseRequest{}, "-+--"}, {pair::AcceptRequest{}, "-+--"},
        {pair::Enrolment{}, "-+--"},      {pair::BallotAnswer{}, "--+-"},
        {pair::KeyKept{}, "--+-"},        {pair::DecisionTold{}, "---+"},
        {pair::Heartbeat{}, "++--"},      {pair::LeaseAnswer{}, "+-+-"},
        {pair::KeyPass{}, "++--"},        {pair::CommandPass{}, "++++"},
    };
    return rows;
}

}  // namespace

TEST_CASE("only nodes ask for votes, only agents answer them, and only agents tell decisions") {
    REQUIRE(may_say_rows().size() == std::variant_size_v<agent::pair::PairMessage>);
    for (const auto& row : may_say_rows()) {
        std::string seen;
        for (const Member speaker : {Member::node, Member::agent}) {
            for (const Member listener : {Member::node, Member::agent}) {
                seen += agent::pair::may_say(speaker, listener, row.message) ? '+' : '-';
            }
        }
        INFO(row.message.index());
        CHECK(seen == row.allowed);
    }
}

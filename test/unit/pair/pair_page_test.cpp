#include "test/unit/pair/pair_page.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "agent/pair/node_table.hpp"
#include "agent/pair/procedure.hpp"
#include "test/support/catch.hpp"

using namespace agent::pair;

TEST_CASE("the tables in docs/PAIR.md are those of the rules") {
    const std::string path = std::string(LRA_SOURCE_DIR) + "/docs/PAIR.md";
    std::ifstream in(path);
    std::stringstream content;
    content << in.rdbuf();
    const std::string page = content.str();
    const auto begins = page.find(pair_test::generated_begins);
    const auto ends = page.find(pair_test::generated_ends);
    REQUIRE(begins != std::string::npos);
    REQUIRE(ends != std::string::npos);
    const auto from = begins + pair_test::generated_begins.size();
    if (std::getenv("LRA_UPDATE_DOCS") != nullptr) {
        std::ofstream out(path);
        out << page.substr(0, from) << pair_test::pair_page() << page.substr(ends);
    } else {
        CHECK(page.substr(from, ends - from) == pair_test::pair_page());
    }
}

TEST_CASE("alone only after the vote; pair only after a commit that waited") {
    for (const auto& procedure : procedures()) {
        bool voted = false;
        bool sync = false;
        bool barrier_in_sync = false;
        for (const auto step : procedure.steps) {
            voted = voted || step == Step::vote_alone || step == Step::vote_forced;
            if (step == Step::synchronous_on || step == Step::start_synchronous) sync = true;
            if (step == Step::barrier && sync) barrier_in_sync = true;
            INFO(to_text(procedure.action) << ": " << to_text(step));
            if (step == Step::promote || step == Step::synchronous_off) CHECK(voted);
            if (step == Step::vote_pair) CHECK(barrier_in_sync);
        }
    }
}

TEST_CASE("who serves after a start or a promotion has committed and judged the claims before") {
    for (const auto& row : node_table) {
        if (row.action != NodeAction::serve || row.from == NodeState::waiting_peer) continue;
        if (row.from == NodeState::primary_alone) continue;  // served already
        CHECK((row.event == NodeEvent::pair_ready || row.event == NodeEvent::alone_ready));
    }
    for (const auto action : {NodeAction::resume_pair, NodeAction::resume_alone,
                              NodeAction::take_over, NodeAction::forced_start}) {
        const auto steps = procedure_of(action)->steps;
        CHECK(steps[steps.size() - 1] == Step::judge_claims);
        CHECK(steps[steps.size() - 2] == Step::fence_old);
        CHECK(steps[steps.size() - 3] == Step::barrier);
    }
}

TEST_CASE("only states that serve take requests, and every one of them can be fenced and left") {
    for (std::size_t value = 0; value < node_state_count; ++value) {
        const auto state = static_cast<NodeState>(value);
        const auto& leaves = agent::core::row_of(node_table, state, NodeEvent::keys_stored);
        const auto& fences = agent::core::row_of(node_table, state, NodeEvent::lease_over);
        INFO(to_text(state));
        if (state == NodeState::shut_down || state == NodeState::fenced) continue;
        CHECK(leaves.to == NodeState::draining);
        if (takes_requests(state) && state != NodeState::single) {
            CHECK(fences.to == NodeState::fenced);
        }
    }
}

#include "test/sim/pair/explorations.hpp"

namespace pair_sim {
namespace {

Options untimed(std::size_t agents) {
    Options options;
    options.agents = agents;
    options.timed = false;
    return options;
}

}  // namespace

std::vector<Question> questions() {
    std::vector<Question> all;

    Budget both_ask;
    both_ask.claims = 1;
    both_ask.missing = 2;
    all.push_back({"both nodes ask to serve alone",
                   untimed(3),
                   both_ask,
                   20'000,
                   34,
                   true,
                   {Bug::one_round, Bug::threshold_lowered, Bug::sync_off_before_accept,
                    Bug::pair_before_sync}});

    Budget suspended;
    suspended.claims = 2;
    suspended.missing = 1;
    suspended.pauses = 1;
    all.push_back(
        {"the primary is suspended and comes back", untimed(3), suspended, 4'000, 9, false, {}});

    Budget crashed;
    crashed.missing = 1;
    crashed.crashes = 1;
    all.push_back({"a node ends and starts again", untimed(3), crashed, 4'000, 9, true, {}});
    crashed.claims = 1;
    all.push_back({"a node ends and starts again, under claims",
                   untimed(3),
                   crashed,
                   4'000,
                   8,
                   false,
                   {Bug::resume_without_reading, Bug::ballot_used_again}});

    Budget left;
    left.shut_downs = 1;
    left.recoveries = 1;
    all.push_back({"a node is shut down and recovered", untimed(3), left, 8'000, 8, true, {}});

    Budget forgotten;
    forgotten.claims = 1;
    forgotten.missing = 2;
    forgotten.agent_crashes = 1;
    all.push_back({"an agent ends and starts again", untimed(3), forgotten, 3'000, 14, true, {}});

    Budget lost;
    lost.claims = 1;
    lost.missing = 2;
    lost.store_losses = 1;
    all.push_back(
        {"an agent loses its store and is taken in anew", untimed(3), lost, 6'000, 12, true, {}});
    return all;
}

}  // namespace pair_sim

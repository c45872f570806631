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
    const auto ask = [&all](std::string_view name, std::size_t agents, Budget budget,
                            std::size_t states_max, std::vector<Bug> finds) {
        all.push_back({name, untimed(agents), budget, states_max, std::move(finds)});
    };
    Budget both_ask;
    both_ask.claims = 1;
    both_ask.missing = 2;
    ask("both nodes ask to serve alone", 3, both_ask, 20'000,
        {Bug::one_round, Bug::threshold_lowered, Bug::sync_off_before_accept,
         Bug::pair_before_sync});

    Budget suspended;
    suspended.claims = 2;
    suspended.missing = 1;
    suspended.pauses = 1;
    ask("the primary is suspended and comes back", 3, suspended, 4'000, {});

    Budget crashed;
    crashed.claims = 1;
    crashed.missing = 1;
    crashed.crashes = 1;
    ask("a node ends and starts again", 3, crashed, 4'000,
        {Bug::resume_without_reading, Bug::ballot_used_again});

    Budget left;
    left.shut_downs = 1;
    left.recoveries = 1;
    ask("a node is shut down and recovered", 3, left, 8'000, {});

    Budget forgotten;
    forgotten.claims = 1;
    forgotten.missing = 2;
    forgotten.agent_crashes = 1;
    ask("an agent ends and starts again", 3, forgotten, 3'000, {});

    Budget lost;
    lost.claims = 1;
    lost.missing = 2;
    lost.store_losses = 1;
    ask("an agent loses its store and is taken in anew", 3, lost, 6'000, {});
    return all;
}

}  // namespace pair_sim

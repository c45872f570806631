#pragma once

// The bounded questions that are asked of every order of events.

#include <string_view>
#include <vector>

#include "test/sim/pair/explorer.hpp"

namespace pair_sim {

struct Question {
    std::string_view name;
    Options options;
    Budget budget;
    std::size_t states_max = 0;  // so far it is followed by the tests of every day
    std::size_t depth_min = 0;   // and every order of so many events they see at least
    bool has_end = false;        // all orders there are have been tried: some minutes at most
    std::vector<Bug> finds;      // planted bugs that it finds
};

[[nodiscard]] std::vector<Question> questions();

}  // namespace pair_sim

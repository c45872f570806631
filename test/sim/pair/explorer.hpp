#pragma once

// Every order of events up to a bound: which worlds can be reached, and is one of them wrong?
// Breadth first, so that the way to a wrong one is a shortest.

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "test/sim/pair/world.hpp"

namespace pair_sim {

struct Bounds {
    std::size_t depth = 20;
    std::size_t states = 100'000;
    std::size_t threads = 1;  // the outcome does not depend on it
};

struct Exploration {
    std::size_t states = 0;
    std::size_t depth = 0;   // every order of so many events was tried
    bool exhausted = false;  // nothing else can happen within the budget
    std::optional<std::string> violation;
    std::vector<std::string> path;  // to it
};

// After each event more: the number of events, the worlds so far, and those of them that are new.
using Progress = std::function<void(std::size_t depth, std::size_t states, std::size_t newest)>;

// From a running pair.
[[nodiscard]] Exploration explore(const Options& options, const Budget& budget,
                                  const Bounds& bounds, const Progress& progress = {});

}  // namespace pair_sim

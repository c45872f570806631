#pragma once

// One world of the pair from a seed: trouble first, then quiet, and what has to be true then.

#include <cstdint>
#include <optional>
#include <string>

#include "test/sim/pair/world.hpp"

namespace pair_sim {

struct Verdict {
    std::optional<std::string> failure;
    std::uint64_t trace_hash = 0;
    std::size_t acknowledged = 0;
    std::uint64_t commands = 0;
    std::uint64_t takeovers = 0;
};

[[nodiscard]] Verdict simulate(std::uint64_t seed, Bug bug, bool printing);

}  // namespace pair_sim

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>

#include "test/sim/world.hpp"
#include "test/support/catch.hpp"

namespace {

// With AddressSanitizer a world takes five times as long: a wrong access shows in the first ones,
// and whether a planted bug is found does not depend on it.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LRA_SANITIZED_WORLDS 100
#endif
#endif
#ifdef LRA_SANITIZED_WORLDS
constexpr std::uint64_t worlds = LRA_SANITIZED_WORLDS;
#else
constexpr std::uint64_t worlds = 500;
#endif

std::string hash_text(std::uint64_t hash) {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
    return text;
}

}  // namespace

TEST_CASE("hundreds of worlds keep every promise under faults and come right after them") {
    std::uint64_t reservations = 0;
    std::uint64_t forced = 0;
    for (std::uint64_t seed = 0; seed < worlds; ++seed) {
        const auto verdict = sim::World(seed, sim::Bug::none, false).run();
        INFO("lra-sim replay " << seed << " --trace");
        INFO(verdict.failure.value_or(""));
        REQUIRE_FALSE(verdict.failure.has_value());
        reservations += verdict.reservations;
        forced += verdict.forced_offline;
    }
    // A simulator in which nothing happens would pass as well.
    CHECK(reservations > 4 * worlds);
    CHECK(forced > worlds / 50);
}

#ifndef LRA_SANITIZED_WORLDS
TEST_CASE("every planted bug is found by some seed") {
    constexpr std::uint64_t worlds_to_find_a_bug_in = 500;
    for (const auto bug : sim::planted_bugs) {
        bool found = false;
        for (std::uint64_t seed = 0; seed < worlds_to_find_a_bug_in && !found; ++seed) {
            found = sim::World(seed, bug, false).run().failure.has_value();
        }
        INFO("planted bug " << sim::to_text(bug));
        CHECK(found);
    }
}
#endif

// The list is the same for every compiler and optimisation. LRA_RECORD=1 writes it anew after a
// change of the rules or of the simulator; a difference without such a change is a place where the
// program depends on its compiler.
TEST_CASE("the traces of the first fifty seeds hash as recorded") {
    const std::string path = std::string(LRA_SOURCE_DIR) + "/test/sim/trace_hashes.txt";
    std::map<std::uint64_t, std::string> hashes;
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        hashes[seed] = hash_text(sim::World(seed, sim::Bug::none, false).run().trace_hash);
    }
    if (std::getenv("LRA_RECORD") != nullptr) {
        std::ofstream file(path);
        for (const auto& [seed, hash] : hashes) {
            file << seed << ' ' << hash << '\n';
        }
    }
    std::map<std::uint64_t, std::string> recorded;
    std::ifstream file(path);
    std::uint64_t seed = 0;
    for (std::string hash; file >> seed >> hash;) {
        recorded[seed] = hash;
    }
    CHECK(recorded == hashes);
}
#undef LRA_SANITIZED_WORLDS

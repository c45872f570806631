// lra-sim run FROM COUNT [--bug NAME] [--hashes]   exit 1 with the first seed that fails
// lra-sim replay SEED [--bug NAME] [--trace]

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "test/sim/world.hpp"

namespace {

sim::Bug bug_named(const std::string& name) {
    for (const auto bug : sim::planted_bugs) {
        if (sim::to_text(bug) == name) return bug;
    }
    std::fprintf(stderr, "lra-sim: no planted bug is called %s; there are:\n", name.c_str());
    for (const auto bug : sim::planted_bugs) {
        std::fprintf(stderr, "  %s\n", std::string(sim::to_text(bug)).c_str());
    }
    std::exit(2);
}

int usage() {
    std::fputs(
        "usage: lra-sim run FROM COUNT [--bug NAME] [--hashes]\n"
        "       lra-sim replay SEED [--bug NAME] [--trace]\n",
        stderr);
    return 2;
}

int run(std::uint64_t from, std::uint64_t count, sim::Bug bug, bool hashes) {
    const auto begin = std::chrono::steady_clock::now();
    std::uint64_t reservations = 0;
    std::uint64_t forced = 0;
    for (std::uint64_t seed = from; seed < from + count; ++seed) {
        const auto verdict = sim::World(seed, bug, false).run();
        reservations += verdict.reservations;
        forced += verdict.forced_offline;
        if (hashes) {
            std::printf("%llu %016llx\n", static_cast<unsigned long long>(seed),
                        static_cast<unsigned long long>(verdict.trace_hash));
        }
        if (verdict.failure) {
            std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed),
                        verdict.failure->c_str());
            return 1;
        }
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::fprintf(
        stderr,
        "%llu seeds in %.2f s: %.0f seeds/s, %llu reservations, %llu drives left forced offline\n",
        static_cast<unsigned long long>(count), took.count(),
        static_cast<double>(count) / took.count(), static_cast<unsigned long long>(reservations),
        static_cast<unsigned long long>(forced));
    return 0;
}

int replay(std::uint64_t seed, sim::Bug bug, bool trace) {
    const auto verdict = sim::World(seed, bug, trace).run();
    std::printf("seed %llu: %s, trace %016llx\n", static_cast<unsigned long long>(seed),
                verdict.failure ? verdict.failure->c_str() : "passed",
                static_cast<unsigned long long>(verdict.trace_hash));
    return verdict.failure ? 1 : 0;
}

}  // namespace

int main(int argc, char* argv[]) {
    std::vector<std::string> words(argv + 1, argv + argc);
    sim::Bug bug = sim::Bug::none;
    bool trace = false;
    bool hashes = false;
    std::vector<std::uint64_t> numbers;
    std::string verb;
    for (std::size_t at = 0; at < words.size(); ++at) {
        char* end = nullptr;
        const std::uint64_t number = std::strtoull(words[at].c_str(), &end, 10);
        if (words[at] == "--trace") {
            trace = true;
        } else if (words[at] == "--hashes") {
            hashes = true;
        } else if (words[at] == "--bug" && at + 1 < words.size()) {
            bug = bug_named(words[++at]);
        } else if (!words[at].empty() && *end == '\0') {
            numbers.push_back(number);
        } else if (verb.empty()) {
            verb = words[at];
        } else {
            return usage();
        }
    }
    if (verb == "run" && numbers.size() == 2) return run(numbers[0], numbers[1], bug, hashes);
    if (verb == "replay" && numbers.size() == 1) return replay(numbers[0], bug, trace);
    return usage();
}

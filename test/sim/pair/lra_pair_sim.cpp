// lra-pair-sim run FROM COUNT [--bug NAME]   exit 1 with the first seed that fails
// lra-pair-sim replay SEED [--bug NAME] [--trace]

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "test/sim/pair/simulation.hpp"

namespace {

using namespace pair_sim;

Bug bug_named(const std::string& name) {
    for (const auto bug : planted_bugs) {
        if (to_text(bug) == name) return bug;
    }
    std::fprintf(stderr, "lra-pair-sim: no planted bug is called %s; there are:\n", name.c_str());
    for (const auto bug : planted_bugs) {
        std::fprintf(stderr, "  %s\n", std::string(to_text(bug)).c_str());
    }
    std::exit(2);
}

int usage() {
    std::fputs(
        "usage: lra-pair-sim run FROM COUNT [--bug NAME]\n"
        "       lra-pair-sim replay SEED [--bug NAME] [--trace]\n",
        stderr);
    return 2;
}

int run(std::uint64_t from, std::uint64_t count, Bug bug) {
    const auto begin = std::chrono::steady_clock::now();
    Verdict sum;
    for (std::uint64_t seed = from; seed < from + count; ++seed) {
        const auto verdict = simulate(seed, bug, false);
        sum.acknowledged += verdict.acknowledged;
        sum.commands += verdict.commands;
        sum.takeovers += verdict.takeovers;
        if (verdict.failure) {
            std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed),
                        verdict.failure->c_str());
            return 1;
        }
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::fprintf(stderr,
                 "%llu seeds in %.2f s: %.0f seeds/s, %zu claims acknowledged, %llu commands to "
                 "devices, %llu attempts to take over\n",
                 static_cast<unsigned long long>(count), took.count(),
                 static_cast<double>(count) / took.count(), sum.acknowledged,
                 static_cast<unsigned long long>(sum.commands),
                 static_cast<unsigned long long>(sum.takeovers));
    return 0;
}

}  // namespace

int main(int argc, char* argv[]) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    Bug bug = Bug::none;
    bool trace = false;
    std::vector<std::uint64_t> numbers;
    std::string verb;
    for (std::size_t at = 0; at < words.size(); ++at) {
        char* end = nullptr;
        const std::uint64_t number = std::strtoull(words[at].c_str(), &end, 10);
        if (words[at] == "--trace") {
            trace = true;
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
    if (verb == "run" && numbers.size() == 2) return run(numbers[0], numbers[1], bug);
    if (verb == "replay" && numbers.size() == 1) {
        const auto verdict = simulate(numbers[0], bug, trace);
        std::printf("seed %llu: %s, trace %016llx\n", static_cast<unsigned long long>(numbers[0]),
                    verdict.failure ? verdict.failure->c_str() : "passed",
                    static_cast<unsigned long long>(verdict.trace_hash));
        return verdict.failure ? 1 : 0;
    }
    return usage();
}

// lra-pair-explore [--question NAME] [--depth N] [--states N] [--bug NAME]

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "test/sim/pair/explorations.hpp"

using namespace pair_sim;

int main(int argc, char* argv[]) {
    Bounds bounds{60, 20'000'000};
    Bug bug = Bug::none;
    std::string wanted;
    for (int at = 1; at + 1 < argc; at += 2) {
        const std::string word = argv[at];
        const std::string value = argv[at + 1];
        if (word == "--depth") bounds.depth = std::strtoull(value.c_str(), nullptr, 10);
        if (word == "--states") bounds.states = std::strtoull(value.c_str(), nullptr, 10);
        if (word == "--question") wanted = value;
        for (const auto planted : planted_bugs) {
            if (word == "--bug" && to_text(planted) == value) bug = planted;
        }
    }
    bool failed = false;
    for (auto& question : questions()) {
        if (!wanted.empty() && question.name != wanted) continue;
        const auto begin = std::chrono::steady_clock::now();
        question.options.bug = bug;
        const auto result = explore(question.options, question.budget, bounds);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
        std::printf("%s: %zu states, every order of %zu events%s, %.1f s%s%s\n",
                    std::string(question.name).c_str(), result.states, result.depth,
                    result.exhausted ? " (all there are)" : "", took.count(),
                    result.violation ? ": " : "",
                    result.violation ? result.violation->c_str() : "");
        for (const auto& step : result.path) {
            std::printf("  %s\n", step.c_str());
        }
        failed = failed || result.violation.has_value();
    }
    return failed ? 1 : 0;
}

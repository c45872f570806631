#include "test/sim/pair/explorations.hpp"
#include "test/support/catch.hpp"

namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr std::size_t slower = 5;
#else
constexpr std::size_t slower = 1;
#endif
#else
constexpr std::size_t slower = 1;
#endif

}  // namespace

TEST_CASE("no order of events up to the bounds breaks a promise") {
    for (const auto& question : pair_sim::questions()) {
        const auto result = pair_sim::explore(question.options, question.budget,
                                              {60, question.states_max / slower});
        INFO(question.name);
        INFO(result.violation.value_or(""));
        for (const auto& step : result.path) {
            UNSCOPED_INFO(step);
        }
        CHECK_FALSE(result.violation);
        // Fewer would mean that more worlds count as different, or that fewer are tried.
        if (slower == 1) CHECK(result.depth >= question.depth_min);
        WARN(question.name << ": " << result.states << " states, every order of " << result.depth
                           << " events" << (result.exhausted ? ", all there are" : ""));
    }
}

TEST_CASE("the explorer finds the planted bugs that it is told to find") {
    for (auto question : pair_sim::questions()) {
        for (const auto bug : question.finds) {
            question.options.bug = bug;
            const auto result = pair_sim::explore(question.options, question.budget, {60, 12'000});
            INFO(question.name << ", planted bug " << pair_sim::to_text(bug));
            CHECK(result.violation);
        }
    }
}

#include "agent/claims/reconcile.hpp"

#include "test/support/catch.hpp"

using namespace agent::claims;

namespace {

using S = ClaimState;
using H = HeldBy;
using W = Whereabouts;
using R = Recovery;

Recovery decided(S state, H held, W medium, bool looked_again = false) {
    return recovery_of(state, held, medium, looked_again).recovery;
}

}  // namespace

TEST_CASE("each crash point of a mount has its recovery") {
    struct Row {
        const char* crash;
        S state;
        H held;
        W medium;
        R recovery;
    };
    const Row rows[] = {
        {"after commit 1, before reserve", S::claimed, H::nobody, W::slot, R::free_drive},
        {"reserve sent, no answer", S::claimed, H::dead_key, W::slot, R::free_drive},
        {"a host was quicker", S::claimed, H::other, W::slot, R::free_drive},
        {"after commit 2, before unlock", S::reserved, H::dead_key, W::slot, R::free_drive},
        {"during the move, not gripped", S::loading, H::dead_key, W::slot, R::free_drive},
        {"during the move, carried out", S::loading, H::dead_key, W::its_drive, R::finish_load},
        {"handed over, not recorded", S::loading, H::nobody, W::its_drive, R::finish_load},
        {"handed over, the host reserves", S::loading, H::other, W::its_drive, R::stay_mounted},
        {"in the picker", S::loading, H::dead_key, W::elsewhere, R::look_again},
        {"mounted, answer lost", S::mounted, H::nobody, W::its_drive, R::stay_mounted},
        {"mounted, before hand-over", S::mounted, H::dead_key, W::its_drive, R::stay_mounted},
        {"mounted, the host works", S::mounted, H::other, W::its_drive, R::stay_mounted},
        {"mounted, taken out by hand", S::mounted, H::nobody, W::slot, R::free_drive},
        {"unloading, before the move back", S::unloading, H::dead_key, W::its_drive, R::take_home},
        {"after the move back", S::unloading, H::dead_key, W::slot, R::free_drive},
        {"after release", S::unloading, H::nobody, W::slot, R::free_drive},
        {"SPC-2 RESERVE of a dead host", S::reserved, H::legacy, W::slot, R::quarantine},
        {"SPC-2 RESERVE of the host at work", S::mounted, H::legacy, W::its_drive, R::stay_mounted},
    };
    for (const auto& row : rows) {
        INFO(row.crash);
        CHECK(decided(row.state, row.held, row.medium) == row.recovery);
    }
}

TEST_CASE("a cartridge that is nowhere is looked for once, then the drive is quarantined") {
    for (const auto state : {S::loading, S::mounted, S::unloading}) {
        CHECK(decided(state, H::dead_key, W::missing) == R::look_again);
        CHECK(decided(state, H::dead_key, W::missing, true) == R::quarantine);
        CHECK(decided(state, H::nobody, W::elsewhere, true) == R::quarantine);
    }
}

TEST_CASE("every pair of drive and changer has an answer, and silence is asked again") {
    for (const auto state : {S::claimed, S::reserved, S::loading, S::mounted, S::unloading}) {
        for (std::size_t held = 0; held < held_by_count; ++held) {
            for (std::size_t medium = 0; medium < whereabouts_count; ++medium) {
                for (const bool looked : {false, true}) {
                    const auto row =
                        recovery_of(state, static_cast<H>(held), static_cast<W>(medium), looked);
                    CHECK(!row.why.empty());
                    const bool silent = row.held == H::no_answer || row.medium == W::no_answer;
                    CHECK((row.recovery == R::ask_again) == silent);
                    if (looked) CHECK(row.recovery != R::look_again);
                }
            }
        }
    }
}

TEST_CASE("only who said that he waits, and whose time is not over, waits again") {
    Claim claim;
    CHECK(!waits_again(claim, {500}));
    claim.wait = true;
    CHECK(waits_again(claim, {500}));
    CHECK(!waits_again(claim, {0}));
}

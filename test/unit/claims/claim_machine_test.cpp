#include "agent/claims/claim_machine.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "test/support/catch.hpp"

using namespace agent::claims;

namespace {

ClaimState walk(ClaimState state, std::initializer_list<ClaimEvent> events) {
    for (const auto event : events)
        state = claim_row(state, event).to;
    return state;
}

}  // namespace

TEST_CASE("a claim goes through every state on its way to the host and back") {
    using enum ClaimEvent;
    ClaimState state = ClaimState::queued;
    const std::pair<ClaimEvent, ClaimState> steps[] = {
        {drive_claimed, ClaimState::claimed}, {drive_reserved, ClaimState::reserved},
        {move_begins, ClaimState::loading},   {drive_ready, ClaimState::mounted},
        {withdrawn, ClaimState::unloading},   {medium_home, ClaimState::ended}};
    for (const auto& [event, next] : steps) {
        state = claim_row(state, event).to;
        CHECK(state == next);
    }
}

TEST_CASE("nothing is sent to the changer before the drive carries our key") {
    for (const auto& row : claim_table()) {
        if (row.action == ClaimAction::move_in) CHECK(row.from == ClaimState::reserved);
        if (row.action == ClaimAction::begin_move) CHECK(row.from == ClaimState::claimed);
    }
}

TEST_CASE("a claim whose cartridge may have moved ends only when it is in a slot again") {
    for (const auto& row : claim_table()) {
        const bool moved = row.from == ClaimState::loading || row.from == ClaimState::mounted ||
                           row.from == ClaimState::unloading;
        if (moved && row.to == ClaimState::ended) CHECK(row.event == ClaimEvent::medium_home);
    }
}

TEST_CASE("an ended claim does nothing but be claimed again") {
    for (const auto& row : claim_table()) {
        if (row.from != ClaimState::ended || row.event == ClaimEvent::drive_claimed) continue;
        CHECK(row.to == ClaimState::ended);
        CHECK((row.action == ClaimAction::nothing || row.action == ClaimAction::refuse));
    }
}

TEST_CASE("who withdraws in the middle of a move gets the cartridge back to its slot") {
    using enum ClaimEvent;
    CHECK(walk(ClaimState::loading, {withdrawn, medium_home}) == ClaimState::ended);
    CHECK(walk(ClaimState::loading, {move_failed, medium_home}) == ClaimState::ended);
    CHECK(walk(ClaimState::unloading, {drive_refused}) == ClaimState::mounted);
}

TEST_CASE("the page about mounts shows the table that is compiled in") {
    const std::string file = std::string(LRA_SOURCE_DIR) + "/docs/MOUNTS.md";
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    std::string page = text.str();
    const std::string heading = "## The life of a claim\n\n";
    const auto begin = page.find(heading);
    REQUIRE(begin != std::string::npos);
    const auto table = begin + heading.size();
    const auto end = std::min(page.find("\n\n", table), page.size() - 1) + 1;
    const std::string shown = page.substr(table, end - table);
    if (std::getenv("LRA_UPDATE_DOCS") != nullptr) {
        std::ofstream(file) << page.replace(table, end - table, claim_table_page());
        return;
    }
    INFO("LRA_UPDATE_DOCS=1 before claims_test writes docs/MOUNTS.md anew");
    CHECK(shown == claim_table_page());
}

// Applications that refuse to take a drive offline while a job uses it, and drives that somebody
// else keeps offline.

#include "test/unit/core/host.hpp"

using namespace core_test;
using enum ConfirmationResult;

namespace {

ApplicationAnswered says(ApplicationDriveState state) {
    return {drive_1, ApplicationAction::query, true, state, ""};
}

ApplicationAnswered draining_until_told_again() {
    ApplicationAnswered answer = says(ApplicationDriveState::draining);
    answer.say_again = true;
    return answer;
}

ApplicationAnswered offline_answered(bool succeeded) {
    return {drive_1, ApplicationAction::set_offline, succeeded, ApplicationDriveState::unknown, ""};
}

std::vector<ApplicationAction> actions_of(const DriveSharingAgentEffects& effects) {
    std::vector<ApplicationAction> actions;
    for (const auto& run : all<RunApplication>(effects))
        actions.push_back(run.action);
    return actions;
}

// Refused once: the drive drains.
void refuse_offline(Host& host) {
    (void)host(host.notice(drive_1, reserved_by(port_a)));
    (void)host(says(ApplicationDriveState::online));
    (void)host(offline_answered(false));
    const auto effects = host(draining_until_told_again());
    REQUIRE(all<SendConfirmation>(effects).size() == 1);
    CHECK(all<SendConfirmation>(effects)[0].confirmation.result == draining);
}

}  // namespace

TEST_CASE("an application that is busy is told again until it takes the drive offline") {
    Host host;
    refuse_offline(host);
    for (int again = 0; again < 3; ++again) {
        CHECK(actions_of(host.pass(2'000)) == std::vector{ApplicationAction::query});
        CHECK(actions_of(host(draining_until_told_again())) ==
              std::vector{ApplicationAction::set_offline});
        CHECK(actions_of(host(offline_answered(false))) == std::vector{ApplicationAction::query});
        const auto effects = host(draining_until_told_again());
        CHECK(all<SendConfirmation>(effects).empty());  // said already
        CHECK_FALSE(host.ledger.at(drive_1).done);
    }
    (void)host.pass(2'000);
    (void)host(draining_until_told_again());
    (void)host(offline_answered(true));
    const auto effects = host(says(ApplicationDriveState::offline));
    REQUIRE(all<SendConfirmation>(effects).size() == 1);
    CHECK(all<SendConfirmation>(effects)[0].confirmation.result == set_offline);
    CHECK(host.ledger.at(drive_1).done);
}

TEST_CASE("a drive that drains by itself is not told again") {
    Host host;
    (void)host(host.notice(drive_1, reserved_by(port_a)));
    (void)host(says(ApplicationDriveState::online));
    (void)host(offline_answered(true));
    (void)host(says(ApplicationDriveState::draining));
    CHECK(actions_of(host.pass(2'000)) == std::vector{ApplicationAction::query});
    CHECK(actions_of(host(says(ApplicationDriveState::draining))).empty());
}

TEST_CASE("a drive that somebody else drains is watched and never commanded") {
    Host host;
    (void)host(host.notice(drive_1, reserved_by(port_a)));
    (void)host(draining_until_told_again());
    CHECK(host.ledger.empty());
    CHECK(actions_of(host.pass(2'000)) == std::vector{ApplicationAction::query});
    CHECK(actions_of(host(draining_until_told_again())).empty());
}

TEST_CASE("free again while it still refuses: brought back and never taken offline afterwards") {
    Host host;
    refuse_offline(host);
    CHECK(actions_of(host(host.notice(drive_1, free_drive()))) ==
          std::vector{ApplicationAction::query});
    CHECK(actions_of(host(draining_until_told_again())) ==
          std::vector{ApplicationAction::set_online});
    (void)host(ApplicationAnswered{drive_1, ApplicationAction::set_online, true,
                                   ApplicationDriveState::unknown, ""});
    const auto effects = host(says(ApplicationDriveState::online));
    REQUIRE(all<SendConfirmation>(effects).size() == 1);
    CHECK(all<SendConfirmation>(effects)[0].confirmation.result == set_online);
    CHECK(host.ledger.empty());
    CHECK(actions_of(host.pass(60'000)).empty());
}

TEST_CASE("somebody was faster: offline before the command came is theirs") {
    Host host;
    (void)host(host.notice(drive_1, reserved_by(port_a)));
    (void)host(says(ApplicationDriveState::online));
    CHECK(host.ledger.size() == 1);
    ApplicationAnswered already = offline_answered(true);
    already.by_somebody_else = true;
    (void)host(already);
    CHECK(host.ledger.empty());
    const auto effects = host(says(ApplicationDriveState::offline));
    REQUIRE(all<SendConfirmation>(effects).size() == 1);
    CHECK(all<SendConfirmation>(effects)[0].confirmation.result == already_offline);
    host.application = ApplicationDriveState::offline;
    CHECK(host.result_of(host.notice(drive_1, free_drive())) == left_to_operator);
}

TEST_CASE("an operator's mark on a drive that this agent took offline hands it over") {
    Host host;
    host.result_of(host.notice(drive_1, reserved_by(port_a)));
    CHECK(host.ledger.size() == 1);
    (void)host(host.notice(drive_1, free_drive()));
    ApplicationAnswered theirs = says(ApplicationDriveState::offline);
    theirs.by_somebody_else = true;
    const auto effects = host(theirs);
    REQUIRE(all<SendConfirmation>(effects).size() == 1);
    CHECK(all<SendConfirmation>(effects)[0].confirmation.result == left_to_operator);
    CHECK(host.ledger.empty());
}

#include "agent/dsad/reconciliation.hpp"

#include "test/support/catch.hpp"

using namespace agent::dsad;
using namespace agent::core;

namespace {

const DriveSerial told_drive{"VT00000001"};
const DriveSerial untold_drive{"VT00000002"};

HostDriveView view_of(const DriveSerial& drive, std::uint64_t sequence,
                      std::optional<ConfirmationResult> result, bool busy = false) {
    HostDriveView view;
    view.drive = drive;
    if (sequence != 0) {
        view.newest.emplace();
        view.newest->id = {1, sequence};
    }
    view.result = result;
    view.busy = busy;
    return view;
}

}  // namespace

TEST_CASE("a drive is settled when it was told anew and its result is there") {
    using enum ConfirmationResult;
    const Reconciliation begun({view_of(told_drive, 4, set_offline)});
    CHECK_FALSE(begun.is_complete({view_of(told_drive, 4, set_offline)}));  // the old notice
    CHECK_FALSE(begun.is_complete({view_of(told_drive, 5, std::nullopt)}));
    CHECK_FALSE(begun.is_complete({view_of(told_drive, 5, set_offline, true)}));
    CHECK(begun.is_complete({view_of(told_drive, 5, set_offline)}));
    CHECK_FALSE(begun.is_complete(
        {view_of(told_drive, 5, set_offline), view_of(untold_drive, 0, std::nullopt)}));
    CHECK(begun.is_complete({}));
}

TEST_CASE("what was found is the first answer to a query of its own, and changes are what ran") {
    using enum ApplicationAction;
    Reconciliation seen({view_of(told_drive, 0, std::nullopt)});
    seen.answered({told_drive, query, true, ApplicationDriveState::offline, ""});  // of before
    seen.ran({told_drive, query});
    seen.answered({told_drive, query, true, ApplicationDriveState::online, ""});
    seen.ran({told_drive, set_offline});
    seen.answered({told_drive, set_offline, true, ApplicationDriveState::unknown, ""});
    seen.ran({told_drive, query});
    seen.answered({told_drive, query, true, ApplicationDriveState::offline, ""});
    const auto drives = seen.outcome({view_of(told_drive, 1, ConfirmationResult::set_offline)});
    REQUIRE(drives.size() == 1);
    CHECK(drives[0].found == ApplicationDriveState::online);
    CHECK(drives[0].done == std::vector{set_offline});
    CHECK(found_in_words(drives[0]) == "online");
    CHECK(done_in_words(drives[0]) == "set offline");
}

TEST_CASE("every outcome has words") {
    for (int result = 1; result <= 10; ++result) {
        const ReconciledDrive drive{
            told_drive, true, std::nullopt, {}, static_cast<ConfirmationResult>(result)};
        CHECK_FALSE(done_in_words(drive).empty());
    }
    CHECK(done_in_words({told_drive, false, std::nullopt, {}, std::nullopt}) ==
          "no controller has told its state");
    CHECK(done_in_words({told_drive, true, std::nullopt, {}, std::nullopt}) == "not settled yet");
    CHECK(found_in_words({told_drive, true, std::nullopt, {}, std::nullopt}) == "unasked");
}

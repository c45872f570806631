#include "agent/mounts/claim_table.hpp"

#include <cstdlib>
#include <filesystem>

#include "agent/mounts/sqlite_session.hpp"
#include "test/unit/mounts/claim_bench.hpp"

using namespace agent;
using namespace agent::mounts;
using claims::ClaimEvent;

namespace {

struct TableFolder {
    std::string path = [] {
        std::string name = std::filesystem::temp_directory_path() / "lra-mounts-XXXXXX";
        return std::string(::mkdtemp(name.data()));
    }();
    ~TableFolder() { std::filesystem::remove_all(path); }
};

ClaimTable sqlite_table(const TableFolder& folder, const std::string& node = "a") {
    auto session = open_sqlite_session(folder.path + "/mounts.db");
    REQUIRE(session);
    ClaimTable table(std::move(session).value(), bench_options(node));
    REQUIRE(table.enroll());
    return table;
}

}  // namespace

TEST_CASE("a claim in SQLite lives through every step") {
    const TableFolder folder;
    auto table = sqlite_table(folder);
    fill(table);
    lives_through_every_step(table);
}

TEST_CASE("claims and drives are there again after a restart, under a new epoch") {
    const TableFolder folder;
    {
        auto table = sqlite_table(folder);
        fill(table);
        static_cast<void>(claimed(table, bench_request("r1", 1)));
        CHECK(table.writer().epoch == 1);
    }
    auto table = sqlite_table(folder);
    CHECK(table.writer().epoch == 2);
    const auto open = table.claims(false, 10);
    REQUIRE(open);
    REQUIRE(open->size() == 1);
    CHECK(open->front().epoch == 1);
    const auto adopted = table.adopt(open->front().id, 7, bench_now);
    REQUIRE(adopted);
    CHECK(adopted->epoch == 2);
    CHECK(table.drives()->front().key == 7);
}

TEST_CASE("the same request again is the same claim, for another volume it is refused") {
    const TableFolder folder;
    auto table = sqlite_table(folder);
    fill(table);
    const auto first = claimed(table, bench_request("r1", 1));
    const auto again = table.begin(bench_request("r1", 1), bench_known(), {}, 1, bench_now);
    REQUIRE(again);
    REQUIRE(std::holds_alternative<AlreadyKnown>(*again));
    CHECK(std::get<AlreadyKnown>(*again).claim.id == first.claim.id);
    CHECK(!table.begin(bench_request("r1", 2), bench_known(), {}, 1, bench_now));
    CHECK(table.claims(true, 10)->size() == 1);
}

TEST_CASE("a request that a restart has undone may be made again, as the same claim") {
    const TableFolder folder;
    auto table = sqlite_table(folder);
    fill(table);
    const auto first = claimed(table, bench_request("r1", 1));
    ClaimRelease undone;
    undone.ending = claims::ClaimEnding::undone;
    REQUIRE(table.release(first.claim.id, undone, bench_now));
    CHECK(claimed(table, bench_request("r1", 1)).claim.id == first.claim.id);
}

TEST_CASE("without a drive nothing is written, unless the request waits") {
    const TableFolder folder;
    auto table = sqlite_table(folder);
    fill(table, 1);
    static_cast<void>(claimed(table, bench_request("r1", 1)));
    const auto none = table.begin(bench_request("r2", 2), bench_known(), {}, 1, bench_now);
    REQUIRE(std::holds_alternative<NoDrive>(*none));
    CHECK(std::get<NoDrive>(*none).counts.busy == 1);
    CHECK(table.claims(true, 10)->size() == 1);
    const auto waits = table.begin(bench_request("r3", 3, true), bench_known(), {}, 1, bench_now);
    REQUIRE(std::holds_alternative<InLine>(*waits));
    CHECK(std::get<InLine>(*waits).position == 1);
}

TEST_CASE("the line is bounded, for all hosts and for each") {
    const TableFolder folder;
    auto table = sqlite_table(folder);
    fill(table, 1);
    static_cast<void>(claimed(table, bench_request("r0", 1)));
    const auto ask = [&](int volume, const std::string& host) {
        auto request = bench_request("w" + std::to_string(volume), volume, true);
        request.host = host;
        const auto begun = table.begin(request, bench_known(), {}, 1, bench_now);
        REQUIRE(begun);
        return *begun;
    };
    CHECK(std::holds_alternative<InLine>(ask(2, "x")));
    CHECK(std::holds_alternative<InLine>(ask(3, "x")));
    const auto of_host = ask(4, "x");
    REQUIRE(std::holds_alternative<NoDrive>(of_host));
    CHECK(std::get<NoDrive>(of_host).queue_full.find("of this host") != std::string::npos);
    CHECK(std::holds_alternative<InLine>(ask(5, "y")));
    CHECK(std::holds_alternative<NoDrive>(ask(6, "z")));
}

TEST_CASE("the database itself refuses a volume in two drives and a request twice") {
    const TableFolder folder;
    {
        auto table = sqlite_table(folder);
        fill(table);
        static_cast<void>(claimed(table, bench_request("r1", 1)));
    }
    auto session = open_sqlite_session(folder.path + "/mounts.db");
    REQUIRE(session);
    CHECK(!session.value()->run("UPDATE drive SET volume = 'VT0001L8' WHERE serial = 'D2'", {}));
    CHECK(!session.value()->run(
        "INSERT INTO claim SELECT library, 99, request, host, 'X', access, wait, 'ended', ending, "
        "reason, node, epoch, drive, home, failed_drive, asked_at, changed_at, deadline, is_open "
        "FROM claim",
        {}));
    CHECK(!session.value()->run(
        "INSERT INTO claim SELECT library, 99, 'r9', host, volume, access, wait, state, ending, "
        "reason, node, epoch, 'D2', home, failed_drive, asked_at, changed_at, deadline, is_open "
        "FROM claim",
        {}));
}

TEST_CASE("a controller that was replaced changes nothing any more") {
    const TableFolder folder;
    auto table = sqlite_table(folder);
    fill(table);
    const auto mine = claimed(table, bench_request("r1", 1));
    REQUIRE(table.raise_epoch(9));
    CHECK(!table.raise_epoch(3));
    CHECK(table.writer().epoch == 9);
    CHECK(table.step(mine.claim.id, ClaimEvent::drive_reserved, bench_now));
}

TEST_CASE("two failures of a volume quarantine it, and an administrator ends that") {
    const TableFolder folder;
    auto table = sqlite_table(folder);
    fill(table);
    const auto first = table.record_failure({"VT0001L8", "D1"}, false, "no", bench_now);
    CHECK((*first == claims::Blame{}));
    CHECK(table.record_failure({"VT0001L8", "D2"}, false, "no", bench_now)->volume);
    CHECK((*table.volume("VT0001L8"))->state == claims::VolumeState::quarantined);
    REQUIRE(table.set_volume_state("VT0001L8", claims::VolumeState::usable, ""));
    CHECK(!table.record_failure({"VT0001L8", "D3"}, false, "no", bench_now)->volume);
    CHECK(!table.set_volume_state("NOBODY", claims::VolumeState::usable, ""));
}

TEST_CASE("a quarantined drive keeps its cartridge until somebody has seen to it") {
    const TableFolder folder;
    auto table = sqlite_table(folder);
    fill(table);
    const auto taken = claimed(table, bench_request("r1", 1));
    ClaimRelease how;
    how.ending = claims::ClaimEnding::drive_failed;
    how.quarantine_drive = "stuck";
    how.medium_in_drive = true;
    REQUIRE(table.release(taken.claim.id, how, bench_now));
    CHECK(table.drives()->front().state == claims::DriveState::quarantined);
    CHECK(table.drives()->front().volume == "VT0001L8");
    CHECK(table.drives()->front().since == bench_now);
    CHECK(!table.free_drive("D2", {2'000}));
    REQUIRE(table.free_drive("D1", {2'000}));
    CHECK(table.drives()->front().state == claims::DriveState::free);
    CHECK(table.drives()->front().since.ms == 2'000);
}

TEST_CASE("the file of another program is refused in words") {
    const TableFolder folder;
    const std::string file = folder.path + "/mounts.db";
    {
        auto table = sqlite_table(folder);
        auto busy = open_sqlite_session(file);
        REQUIRE(!busy);
        CHECK(busy.error().message.find("running already") != std::string::npos);
    }
    {
        auto session = open_sqlite_session(file);
        REQUIRE(session);
        REQUIRE(session.value()->run("PRAGMA user_version=77", {}));
    }
    const auto newer = open_sqlite_session(file);
    REQUIRE(!newer);
    CHECK(newer.error().message.find("version 77") != std::string::npos);
}

TEST_CASE("a claim that has ended does not touch the drive it had, which is another's by now") {
    const TableFolder folder;
    auto table = sqlite_table(folder);
    fill(table, 1);
    const auto first = claimed(table, bench_request("r1", 1));
    REQUIRE(table.release(first.claim.id, {}, bench_now));
    const auto second = claimed(table, bench_request("r2", 2));
    REQUIRE(second.drive.serial == first.drive.serial);
    CHECK(!table.adopt(first.claim.id, 7, bench_now));
    CHECK(table.step(first.claim.id, ClaimEvent::withdrawn, bench_now));
    CHECK(table.drives()->front() == second.drive);
}

TEST_CASE("the table tells since when a volume is where it is, and a drive in its state") {
    const TableFolder folder;
    auto table = sqlite_table(folder);
    fill(table);
    const auto since = [&](int number) {
        const auto volume = table.volume(bench_volume(number).barcode);
        REQUIRE(volume);
        REQUIRE(volume->has_value());
        return (*volume)->since;
    };
    const core::WallTime seen{bench_now.ms + 1'000};
    const core::WallTime gone{bench_now.ms + 2'000};
    const core::WallTime later{bench_now.ms + 3'000};
    REQUIRE(table.learn_volumes({bench_volume(1), bench_volume(2)}, seen));
    CHECK(since(1) == bench_now);  // nothing has changed
    CHECK(since(3) == seen);       // it is missing
    auto moved = bench_volume(1);
    moved.element = 99;
    REQUIRE(table.learn_volumes({moved}, gone));
    CHECK(since(1) == gone);
    CHECK(since(2) == gone);
    REQUIRE(table.learn_volumes({moved}, later));
    CHECK(since(2) == gone);
    const auto rows = table.drives();
    REQUIRE(rows);
    CHECK(rows->front().since == core::WallTime{});  // never used
}

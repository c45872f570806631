#include "agent/lrad/offline_ledger.hpp"

#include <algorithm>

#include "test/support/catch.hpp"

using namespace agent;
using namespace agent::lrad;

namespace {

const core::DriveSerial shared_drive{"VT1"};
constexpr core::WallTime at_noon{1'000'000};
constexpr core::WallTime later_on{2'000'000};

core::DriveRecord drive_that_is(core::OperationalState state, const std::string& reason = "") {
    core::DriveRecord record;
    record.drive = shared_drive;
    record.operational_state = state;
    record.offline_reason = reason;
    return record;
}
const auto offline_drive =
    drive_that_is(core::OperationalState::forced_offline, "host-b is silent");
const auto online_drive = drive_that_is(core::OperationalState::online);

// The rows in the database of the pair.
struct SharedRows {
    std::vector<postgres::OfflineMark> rows;
    void put(const postgres::OfflineMark& mark) {
        const auto known = std::find_if(rows.begin(), rows.end(),
                                        [&](const auto& row) { return row.id == mark.id; });
        if (known == rows.end()) {
            rows.push_back(mark);
        } else if (!known->ended_at) {
            known->ended_at = mark.ended_at;
            known->ended_by = mark.ended_by;
        }
    }
    void take_from(OfflineLedger& ledger) {
        for (const auto& mark : ledger.untold()) {
            put(mark);
            ledger.told(mark);
        }
    }
};

// One of the nodes, as it has recorded the drive.
struct LedgerNode {
    explicit LedgerNode(const std::string& name) : ledger(name) {}
    OfflineLedger ledger;
    std::vector<core::DriveRecord> drives{online_drive};

    bool follow(const core::DriveRecord& drive, const std::string& by, core::WallTime now) {
        drives.front() = drive;
        return ledger.follow(drive, by, now);
    }
    [[nodiscard]] std::vector<OfflineWish> compare(const SharedRows& shared) const {
        return ledger.compare(shared.rows, drives);
    }
    // As SharedRecords does with a drive that becomes what is wished.
    std::vector<OfflineWish> obey(const SharedRows& shared) {
        auto wishes = compare(shared);
        for (const auto& wish : wishes)
            drives.front() = wish.forced ? offline_drive : online_drive;
        ledger.adopt(shared.rows, drives);
        return wishes;
    }
};

}  // namespace

TEST_CASE("a drive that is forced offline on one node is so on the other, until one clears it") {
    LedgerNode first("lra-a");
    LedgerNode second("lra-b");
    SharedRows shared;
    REQUIRE(first.follow(offline_drive, "", at_noon));
    CHECK_FALSE(first.ledger.is_told(shared_drive));
    shared.take_from(first.ledger);
    CHECK(first.ledger.is_told(shared_drive));
    CHECK_FALSE(first.follow(offline_drive, "", later_on));

    const auto wishes = second.obey(shared);
    REQUIRE(wishes.size() == 1);
    CHECK(wishes.front() == OfflineWish{shared_drive, true, "lra-a", "host-b is silent"});
    CHECK(second.compare(shared).empty());
    CHECK_FALSE(second.follow(offline_drive, "", later_on));  // no mark of its own

    REQUIRE(second.follow(online_drive, "root: repaired", later_on));
    shared.take_from(second.ledger);
    const auto back = first.obey(shared);
    REQUIRE(back.size() == 1);
    CHECK(back.front() == OfflineWish{shared_drive, false, "lra-a", "root: repaired"});
    CHECK(first.compare(shared).empty());
    CHECK(first.ledger.marks_of(shared_drive).empty());
}

TEST_CASE("a node that was away does not bring back what was cleared meanwhile") {
    LedgerNode first("lra-a");
    LedgerNode second("lra-b");
    SharedRows shared;
    first.follow(offline_drive, "", at_noon);
    // The row is there; the node ended before it could write that down.
    shared.put(first.ledger.untold().front());
    second.obey(shared);
    second.follow(online_drive, "root: repaired", later_on);
    shared.take_from(second.ledger);
    LedgerNode returned("lra-a");
    returned.drives = {offline_drive};
    returned.ledger.recall(shared_drive, first.ledger.marks_of(shared_drive));
    const auto wishes = returned.obey(shared);
    REQUIRE(wishes.size() == 1);
    CHECK_FALSE(wishes.front().forced);
    CHECK(returned.ledger.untold().empty());
}

TEST_CASE("what a node could not tell before it ended is told when it is back") {
    LedgerNode first("lra-a");
    LedgerNode second("lra-b");
    SharedRows shared;
    first.follow(offline_drive, "", at_noon);
    CHECK(second.obey(shared).empty());
    // Nothing in the rows speaks against it.
    CHECK(first.obey(shared).empty());
    REQUIRE(first.ledger.untold().size() == 1);
    shared.take_from(first.ledger);
    CHECK(second.obey(shared).front().forced);
}

TEST_CASE("a clear that could not be told wins over the row it ends, and over no other") {
    LedgerNode first("lra-a");
    SharedRows shared;
    first.follow(offline_drive, "", at_noon);
    shared.take_from(first.ledger);
    first.follow(online_drive, "root: repaired", later_on);
    CHECK(first.compare(shared).empty());  // not forced again by its own row
    LedgerNode second("lra-b");
    second.follow(offline_drive, "", later_on);
    shared.take_from(second.ledger);
    const auto wishes = first.obey(shared);
    REQUIRE(wishes.size() == 1);
    CHECK(wishes.front().node == "lra-b");
    shared.take_from(first.ledger);
    CHECK(first.compare(shared).empty());
    CHECK(second.compare(shared).empty());
}

TEST_CASE("a drive with two marks stays offline until both have ended") {
    LedgerNode first("lra-a");
    LedgerNode second("lra-b");
    SharedRows shared;
    first.follow(offline_drive, "", at_noon);
    second.follow(offline_drive, "", at_noon);
    shared.take_from(first.ledger);
    shared.take_from(second.ledger);
    CHECK(first.obey(shared).empty());
    CHECK(second.obey(shared).empty());
    shared.rows.front().ended_at = later_on;
    CHECK(first.obey(shared).empty());
    shared.rows.back().ended_at = later_on;
    CHECK_FALSE(first.obey(shared).front().forced);
}

TEST_CASE("a drive that is cleared and forced offline again between two looks has its new reason") {
    LedgerNode first("lra-a");
    LedgerNode second("lra-b");
    SharedRows shared;
    first.follow(offline_drive, "", at_noon);
    shared.take_from(first.ledger);
    second.obey(shared);
    first.follow(online_drive, "root: repaired", later_on);
    first.follow(drive_that_is(core::OperationalState::forced_offline, "jammed"), "", later_on);
    SECTION("as soon as both are told") {
        shared.take_from(first.ledger);
        const auto wishes = second.obey(shared);
        REQUIRE(wishes.size() == 1);
        CHECK(wishes[0] == OfflineWish{shared_drive, true, "lra-a", "jammed", true});
        CHECK(second.obey(shared).empty());
    }
    SECTION("unless it is offline for something else as well") {
        REQUIRE(second.ledger.serve(offline_drive, later_on));  // of its own
        shared.take_from(second.ledger);
        shared.take_from(first.ledger);
        CHECK(second.obey(shared).empty());
    }
}

TEST_CASE("a drive that was forced offline again before anything was told has one open mark") {
    LedgerNode first("lra-a");
    first.follow(offline_drive, "", at_noon);
    first.follow(online_drive, "root: repaired", at_noon);
    first.follow(offline_drive, "", at_noon);
    REQUIRE(first.ledger.untold().size() == 2);
    CHECK(first.ledger.untold().front().id != first.ledger.untold().back().id);
    SharedRows shared;
    shared.take_from(first.ledger);
    CHECK(first.ledger.open_ids().size() == 1);
    LedgerNode second("lra-b");
    CHECK(second.obey(shared).front().forced);
}

TEST_CASE("a drive that flaps while nothing can be told is remembered in a bounded way") {
    LedgerNode first("lra-a");
    for (std::int64_t i = 0; i < 200; ++i) {
        first.follow(offline_drive, "", {i});
        first.follow(online_drive, "root: repaired", {i});
    }
    CHECK(first.ledger.marks_of(shared_drive).size() <= 32);
}

TEST_CASE("a mark of a drive that is not configured yet is obeyed when it is") {
    LedgerNode first("lra-a");
    LedgerNode second("lra-b");
    SharedRows shared;
    first.follow(offline_drive, "", at_noon);
    shared.take_from(first.ledger);
    second.drives.clear();
    CHECK(second.obey(shared).empty());
    CHECK(second.ledger.marks_of(shared_drive).empty());
    // The drive is added with a record that says nothing, and the controller starts.
    second.drives = {online_drive};
    CHECK_FALSE(second.ledger.follow_at_start(online_drive, later_on));
    CHECK(second.obey(shared).front().forced);
    CHECK(second.ledger.untold().empty());
    CHECK(first.obey(shared).empty());
}

TEST_CASE("a start with a record of nothing ends no mark, and the drive goes offline again") {
    LedgerNode first("lra-a");
    LedgerNode second("lra-b");
    SharedRows shared;
    first.follow(offline_drive, "", at_noon);
    shared.take_from(first.ledger);
    second.obey(shared);
    LedgerNode returned("lra-b");
    returned.ledger.recall(shared_drive, second.ledger.marks_of(shared_drive));
    CHECK_FALSE(returned.ledger.follow_at_start(online_drive, later_on));
    CHECK(returned.ledger.untold().empty());
    CHECK(returned.obey(shared).front() ==
          OfflineWish{shared_drive, true, "lra-a", "host-b is silent"});
    CHECK(returned.compare(shared).empty());
}

TEST_CASE("a late end can not lift what the node that took over forces offline") {
    LedgerNode first("lra-a");
    LedgerNode second("lra-b");
    SharedRows shared;
    first.follow(offline_drive, "", at_noon);
    shared.take_from(first.ledger);
    second.obey(shared);
    first.follow(online_drive, "root: repaired", later_on);  // and is lost before it can tell it
    REQUIRE(second.ledger.serve(offline_drive, later_on));
    CHECK_FALSE(second.ledger.serve(offline_drive, later_on));  // its own is not told yet
    shared.take_from(second.ledger);
    CHECK(second.ledger.serve(offline_drive, later_on));
    shared.take_from(second.ledger);
    shared.take_from(first.ledger);
    CHECK(second.obey(shared).empty());
    CHECK(first.obey(shared).front().forced);
    // It is cleared where it is known what it is offline for.
    second.follow(online_drive, "root: repaired indeed", later_on);
    shared.take_from(second.ledger);
    CHECK_FALSE(first.obey(shared).front().forced);
    CHECK(second.compare(shared).empty());
    CHECK(first.compare(shared).empty());
}

TEST_CASE("a drive that was cleared by the other node gets no mark while it is brought back") {
    LedgerNode first("lra-a");
    LedgerNode second("lra-b");
    SharedRows shared;
    first.follow(offline_drive, "", at_noon);
    shared.take_from(first.ledger);
    second.obey(shared);
    second.follow(online_drive, "root: repaired", later_on);
    shared.take_from(second.ledger);
    // The first one serves: its drive is forced offline until the actuator has answered.
    REQUIRE_FALSE(first.compare(shared).front().forced);
    first.ledger.adopt(shared.rows, first.drives);
    CHECK_FALSE(first.follow(offline_drive, "", later_on));
    CHECK(first.compare(shared).empty());
    SECTION("and has none when it is back") {
        CHECK_FALSE(first.follow(online_drive, "", later_on));
        CHECK(first.follow(offline_drive, "", later_on));
    }
    SECTION("unless it is ordered offline again") {
        first.ledger.forced_anew(shared_drive);
        CHECK(first.follow(offline_drive, "", later_on));
    }
    SECTION("and goes offline again for a mark that is told meanwhile") {
        second.follow(offline_drive, "", later_on);
        shared.take_from(second.ledger);
        CHECK(first.compare(shared).front().forced);
    }
}

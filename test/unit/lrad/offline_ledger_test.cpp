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

// As OfflineSharing does with a drive that becomes what is wished.
std::vector<OfflineWish> obey_rows(OfflineLedger& ledger, const SharedRows& shared) {
    const auto wishes = ledger.compare(shared.rows);
    ledger.adopt(shared.rows);
    return wishes;
}

}  // namespace

TEST_CASE("a drive that is forced offline on one node is so on the other, until one clears it") {
    OfflineLedger first("lra-a");
    OfflineLedger second("lra-b");
    SharedRows shared;
    REQUIRE(first.follow(offline_drive, "", at_noon));
    CHECK_FALSE(first.is_told(shared_drive));
    shared.take_from(first);
    CHECK(first.is_told(shared_drive));
    CHECK_FALSE(first.follow(offline_drive, "", later_on));

    const auto wishes = obey_rows(second, shared);
    REQUIRE(wishes.size() == 1);
    CHECK(wishes.front() == OfflineWish{shared_drive, true, "lra-a", "host-b is silent"});
    CHECK(second.compare(shared.rows).empty());
    CHECK_FALSE(second.follow(offline_drive, "", later_on));  // no mark of its own

    REQUIRE(second.follow(online_drive, "root: repaired", later_on));
    shared.take_from(second);
    const auto back = obey_rows(first, shared);
    REQUIRE(back.size() == 1);
    CHECK(back.front() == OfflineWish{shared_drive, false, "lra-a", "root: repaired"});
    CHECK(first.compare(shared.rows).empty());
    CHECK(first.marks_of(shared_drive).empty());
}

TEST_CASE("a node that was away does not bring back what was cleared meanwhile") {
    OfflineLedger first("lra-a");
    OfflineLedger second("lra-b");
    SharedRows shared;
    first.follow(offline_drive, "", at_noon);
    // The row is there; the node ended before it could write that down.
    shared.put(first.untold().front());
    obey_rows(second, shared);
    second.follow(online_drive, "root: repaired", later_on);
    shared.take_from(second);
    OfflineLedger returned("lra-a");
    returned.recall(shared_drive, first.marks_of(shared_drive));
    const auto wishes = obey_rows(returned, shared);
    REQUIRE(wishes.size() == 1);
    CHECK_FALSE(wishes.front().forced);
    CHECK(returned.untold().empty());
}

TEST_CASE("what a node could not tell before it ended is told when it is back") {
    OfflineLedger first("lra-a");
    OfflineLedger second("lra-b");
    SharedRows shared;
    first.follow(offline_drive, "", at_noon);
    CHECK(obey_rows(second, shared).empty());
    // Nothing in the rows speaks against it.
    CHECK(obey_rows(first, shared).empty());
    REQUIRE(first.untold().size() == 1);
    shared.take_from(first);
    CHECK(obey_rows(second, shared).front().forced);
}

TEST_CASE("a clear that could not be told wins over the row it ends, and over no other") {
    OfflineLedger first("lra-a");
    SharedRows shared;
    first.follow(offline_drive, "", at_noon);
    shared.take_from(first);
    first.follow(online_drive, "root: repaired", later_on);
    CHECK(first.compare(shared.rows).empty());  // not forced again by its own row
    OfflineLedger second("lra-b");
    second.follow(offline_drive, "", later_on);
    shared.take_from(second);
    const auto wishes = obey_rows(first, shared);
    REQUIRE(wishes.size() == 1);
    CHECK(wishes.front().node == "lra-b");
    shared.take_from(first);
    CHECK(first.compare(shared.rows).empty());
    CHECK(second.compare(shared.rows).empty());
}

TEST_CASE("a drive with two marks stays offline until both have ended") {
    OfflineLedger first("lra-a");
    OfflineLedger second("lra-b");
    SharedRows shared;
    first.follow(offline_drive, "", at_noon);
    second.follow(offline_drive, "", at_noon);
    shared.take_from(first);
    shared.take_from(second);
    CHECK(obey_rows(first, shared).empty());
    CHECK(obey_rows(second, shared).empty());
    shared.rows.front().ended_at = later_on;
    CHECK(obey_rows(first, shared).empty());
    shared.rows.back().ended_at = later_on;
    CHECK_FALSE(obey_rows(first, shared).front().forced);
}

TEST_CASE("a drive that was forced offline again before anything was told has one open mark") {
    OfflineLedger first("lra-a");
    first.follow(offline_drive, "", at_noon);
    first.follow(online_drive, "root: repaired", at_noon);
    first.follow(offline_drive, "", at_noon);
    REQUIRE(first.untold().size() == 2);
    CHECK(first.untold().front().id != first.untold().back().id);
    SharedRows shared;
    shared.take_from(first);
    CHECK(first.open_ids().size() == 1);
    OfflineLedger second("lra-b");
    CHECK(obey_rows(second, shared).front().forced);
}

TEST_CASE("a drive that flaps while nothing can be told is remembered in a bounded way") {
    OfflineLedger first("lra-a");
    for (std::int64_t i = 0; i < 200; ++i) {
        first.follow(offline_drive, "", {i});
        first.follow(online_drive, "root: repaired", {i});
    }
    CHECK(first.marks_of(shared_drive).size() <= 32);
}

#include "agent/lrad/shared_records.hpp"

#include <algorithm>
#include <asio/io_context.hpp>
#include <chrono>
#include <map>

#include "test/support/catch.hpp"

using namespace agent;
using namespace agent::lrad;

namespace {

// A controller whose databases, its own and the other node's, nobody answers for.
struct CutOff {
    asio::io_context loop;
    std::map<std::string, std::string> notes_kept;
    std::vector<core::Message> told;
    std::vector<core::DriveSerial> recorded;

    SharedRecords sharing() {
        runtime::PairDatabaseConfiguration database;
        database.folder = "/nonexistent/lra";
        database.port = 1;
        database.peer_address = "127.0.0.1";
        database.peer_port = 1;
        database.sslmode = "disable";
        SharedRecordsDoors doors;
        doors.remember = [this](const std::string& name, const std::string& text) {
            notes_kept[name] = text;
            return core::Outcome(core::Nothing{});
        };
        doors.recall = [this](const std::string& name) {
            const auto found = notes_kept.find(name);
            return core::Result<std::optional<std::string>>(
                found == notes_kept.end() ? std::nullopt : std::optional(found->second));
        };
        doors.drives = [] { return std::vector<core::DriveRecord>{}; };
        doors.agents = [] { return std::vector<core::AgentName>{"host-b"}; };
        doors.heard_elsewhere = [](const auto&) { FAIL("there are no rows to hear from"); };
        doors.retired = [](const auto&) { FAIL("there are no rows to obey"); };
        doors.obey = [](const OfflineWish&) { FAIL("there are no rows to obey"); };
        doors.recorded = [this](const core::DriveSerial& drive) { recorded.push_back(drive); };
        doors.note = [this](core::Message message, const std::vector<std::string>&) {
            told.push_back(message);
        };
        doors.broken = [](const std::string& why) { FAIL(why); };
        return {loop, database, "lra-a", std::move(doors)};
    }
    bool until(const std::function<bool()>& holds) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!holds() && std::chrono::steady_clock::now() < end) {
            loop.restart();
            loop.run_for(std::chrono::milliseconds(20));
        }
        return holds();
    }
};

core::DriveRecord forced_offline_drive() {
    core::DriveRecord record;
    record.drive = {"VT1"};
    record.operational_state = core::OperationalState::forced_offline;
    record.offline_reason = "host-b is silent";
    return record;
}

}  // namespace

TEST_CASE("a drive goes offline although nobody can be told, and the record is made up later") {
    CutOff controller;
    const auto drive = forced_offline_drive();
    {
        auto sharing = controller.sharing();
        sharing.begin({});
        sharing.follow(drive, "");
        REQUIRE(sharing.is_to_wait(drive.drive));
        CHECK(sharing.is_to_wait(drive.drive));
        REQUIRE(controller.until([&] { return !controller.recorded.empty(); }));
        CHECK_FALSE(sharing.is_to_wait(drive.drive));
        const auto count = [&] {
            return std::count(controller.told.begin(), controller.told.end(),
                              core::Message::offline_not_shared);
        };
        REQUIRE(controller.until([&] { return count() != 0; }));
        CHECK(count() == 1);
        CHECK(controller.recorded.size() == 1);
        CHECK(sharing.untold() == 1);
    }
    // The next life still has to tell it, and makes no second mark.
    auto sharing = controller.sharing();
    sharing.follow(drive, "");  // the rules order it offline before anything is recalled
    sharing.begin({drive});
    CHECK(sharing.untold() == 1);
    CHECK(controller.notes_kept.size() == 1);
}

TEST_CASE("a retirement that nobody can be told is kept until the agent starts") {
    CutOff controller;
    {
        auto records = controller.sharing();
        records.begin({});
        CHECK(records.retirement_of("host-b") == nullptr);
        records.retire("host-b", "root", "sold");
        REQUIRE(records.retirement_of("host-b") != nullptr);
    }
    {
        auto records = controller.sharing();
        records.begin({});
        REQUIRE(records.retirement_of("host-b") != nullptr);
        CHECK(records.retirement_of("host-b")->reason == "sold");
        CHECK(records.roster().knows("host-b"));
        CHECK_FALSE(records.roster().started("host-b"));
        records.heard("host-b", 1, false);
    }
    auto records = controller.sharing();
    records.begin({});
    CHECK(records.retirement_of("host-b") == nullptr);
    CHECK(records.roster().started("host-b") == 1U);
}

TEST_CASE("an agent that is there although the other node has retired it counts on, also later") {
    CutOff controller;
    {
        auto records = controller.sharing();
        records.begin({});
        records.heard("host-b", 5, false);
        records.overrule({"host-b", "b:7", "root", "sold", {1'700'000'000'000}}, 5);
        CHECK(records.roster().started("host-b") == 5U);
    }
    auto records = controller.sharing();
    records.begin({});
    CHECK(records.roster().started("host-b") == 5U);
    CHECK(records.roster().era_of("host-b") == 1'700'000'000'000U);
    records.forget({"host-b", "b:7", "root", "sold", {1'700'000'000'000}});  // told late
    CHECK(records.roster().started("host-b") == 5U);
    records.forget({"host-b", "b:8", "root", "sold", {1'700'000'000'001}});
    CHECK_FALSE(records.roster().started("host-b"));
}

TEST_CASE("a node that can not read the rows does not serve") {
    CutOff controller;
    auto sharing = controller.sharing();
    sharing.begin({});
    std::optional<bool> read;
    sharing.read_before_serving([&](const core::Outcome& outcome) { read = outcome.ok(); });
    REQUIRE(controller.until([&] { return read.has_value(); }));
    CHECK_FALSE(*read);
}

#include "agent/runtime/effect_runner.hpp"

#include <sqlite3.h>

#include "sample_effects.hpp"
#include "temporary_folder.hpp"
#include "test/support/catch.hpp"

using namespace agent::runtime;
using namespace agent::core;

namespace {

// Doors that write down, with each act, what the store held at that moment.
struct World {
    TemporaryFolder folder;
    ReservationAgentStore store;
    std::vector<std::string> acts;

    World() : store(ReservationAgentStore::open(folder.file("lrad.db"), {}).value()) {}

    void act(const std::string& what) {
        acts.push_back(what + " with " + std::to_string(store.load()->drives.size()) +
                       " drives recorded");
    }
    ReservationAgentDoors doors() {
        return {
            [this](const SendNotice& effect) { act("send to " + effect.agent); },
            [this](const StopSending& effect) { act("stop sending to " + effect.agent); },
            [this](const AskHolder& effect) { act("ask " + effect.agent); },
            [this](const StopAsking& effect) { act("stop asking " + effect.agent); },
            [this](const ForceDriveOffline& effect) { act("force " + effect.drive.text); },
            [this](const LiftDriveOffline& effect) { act("lift " + effect.drive.text); },
            [this](const AnnounceAlarm& effect) { act("announce " + effect.alarm.key.drive.text); },
            [this](const EventRecord& record) { act("show " + record.message); }};
    }
};

}  // namespace

TEST_CASE("all records of a step are on the disk before anything else of it is done") {
    World world;
    const ReservationAgentEffects effects{
        RecordDrive{sample_drive("VT1", 1)}, RecordEvent{sample_event("VT1", 1)},
        RecordDrive{sample_drive("VT2", 2)}, SendNotice{"host1", {}, 1},
        StopSending{"host2", {"VT1"}},       AskHolder{"host1", {}},
        StopAsking{"host1", {"VT1"}},        ForceDriveOffline{{"VT1"}, "why"},
        LiftDriveOffline{{"VT2"}},           AnnounceAlarm{sample_alarm("VT1"), true}};
    REQUIRE(carry_out(effects, world.store, world.doors()).ok());
    CHECK(world.acts ==
          std::vector<std::string>{
              "show LRA2003 with 2 drives recorded", "send to host1 with 2 drives recorded",
              "stop sending to host2 with 2 drives recorded", "ask host1 with 2 drives recorded",
              "stop asking host1 with 2 drives recorded", "force VT1 with 2 drives recorded",
              "lift VT2 with 2 drives recorded", "announce VT1 with 2 drives recorded"});
}

TEST_CASE("a record behind an act is still recorded first") {
    World world;
    const ReservationAgentEffects effects{SendNotice{"host1", {}, 1},
                                          RecordDrive{sample_drive("VT1", 1)}};
    REQUIRE(carry_out(effects, world.store, world.doors()).ok());
    CHECK(world.acts == std::vector<std::string>{"send to host1 with 1 drives recorded"});
}

TEST_CASE("when recording fails nothing of the step is done") {
    TemporaryFolder folder;
    {
        auto made = ReservationAgentStore::open(folder.file("lrad.db"), {});
        REQUIRE(made.ok());
    }
    sqlite3* connection = nullptr;
    REQUIRE(sqlite3_open(folder.file("lrad.db").c_str(), &connection) == SQLITE_OK);
    REQUIRE(sqlite3_exec(connection,
                         "CREATE TRIGGER planted BEFORE INSERT ON debt BEGIN SELECT RAISE(ABORT, "
                         "'planted'); END",
                         nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(connection);
    auto store = ReservationAgentStore::open(folder.file("lrad.db"), {});
    REQUIRE(store.ok());
    int acts = 0;
    const auto count = [&](const auto&) { ++acts; };
    const ReservationAgentDoors doors{count, count, count, count, count, count, count, count};
    const ReservationAgentEffects effects{RecordDrive{sample_drive("VT1", 1)},
                                          RecordDebt{{{"VT1"}, "host1", {{1, 1}}}},
                                          SendNotice{"host1", {}, 1}};
    const Outcome outcome = carry_out(effects, store.value(), doors);
    REQUIRE_FALSE(outcome.ok());
    CHECK_THAT(outcome.error().message,
               ContainsSubstring("recording a step: ") && ContainsSubstring("planted"));
    CHECK(acts == 0);
    CHECK(store->load()->drives.empty());
}

TEST_CASE("a drive sharing agent's step is carried out in the same order") {
    TemporaryFolder folder;
    auto store = DriveSharingAgentStore::open(folder.file("dsad.db"), {});
    REQUIRE(store.ok());
    std::vector<std::string> acts;
    const auto act = [&](const std::string& what) {
        acts.push_back(what + " with " + std::to_string(store->load()->ledger.size()) +
                       " recorded");
    };
    const DriveSharingAgentDoors doors{
        [&](const RunApplication& effect) { act("run " + effect.drive.text); },
        [&](const SendConfirmation&) { act("confirm"); },
        [&](const SendStarted&) { act("started"); },
        [&](const SendStopping&) { act("stopping"); },
        [&] { act("stop"); },
        [&](const EventRecord&) { act("show"); }};
    LedgerEntry entry;
    entry.drive.text = "VT1";
    const DriveSharingAgentEffects effects{RecordLedgerEntry{entry, true},
                                           RecordAgentEvent{sample_event("VT1", 1)},
                                           RecordNoticeMark{},
                                           RunApplication{{"VT1"}, ApplicationAction::query},
                                           SendConfirmation{},
                                           SendStarted{},
                                           SendStopping{},
                                           StopNow{}};
    REQUIRE(carry_out(effects, store.value(), doors).ok());
    CHECK(acts == std::vector<std::string>{"show with 1 recorded", "run VT1 with 1 recorded",
                                           "confirm with 1 recorded", "started with 1 recorded",
                                           "stopping with 1 recorded", "stop with 1 recorded"});
}

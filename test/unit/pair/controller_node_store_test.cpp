#include "agent/runtime/controller_node_store.hpp"

#include "agent/runtime/voting_agent_store.hpp"
#include "test/support/catch.hpp"
#include "test/unit/runtime/temporary_folder.hpp"

using namespace agent::pair;
using agent::runtime::ControllerNodeStore;

TEST_CASE("a node's ballots, witnesses and last order are there after its end") {
    const TemporaryFolder folder;
    const std::string path = folder.file("pair.db");
    NodeRecord record;
    {
        auto store = ControllerNodeStore::open(path);
        REQUIRE(store.ok());
        CHECK(*store->load() == NodeRecord{});
        record.ballot_counter = UINT64_MAX - 1;
        record.witnesses["a1"] = {"i", 7};
        record.witnesses["it's a2"] = {"", UINT64_MAX};
        record.last_order = {3, 4, "night"};
        REQUIRE(store.value().record(record).ok());
    }
    {
        auto store = ControllerNodeStore::open(path);
        REQUIRE(store.ok());
        CHECK(*store->load() == record);
        record.witnesses.erase("a1");
        ++record.ballot_counter;
        REQUIRE(store.value().record(record).ok());
    }
    auto store = ControllerNodeStore::open(path);
    REQUIRE(store.ok());
    CHECK(*store->load() == record);
}

TEST_CASE("a node does not take an agent's file for its own") {
    const TemporaryFolder folder;
    const std::string path = folder.file("pair.db");
    REQUIRE(agent::runtime::VotingAgentStore::open(path).ok());
    const auto refused = ControllerNodeStore::open(path);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message.find("pair.db") != std::string::npos);
}

#include "agent/runtime/controller_node_store.hpp"

#include <filesystem>
#include <set>
#include <string>

#include <sqlite3.h>

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
        record = *store->load();
        CHECK(record.ballot_mark < ballot_marks);
        CHECK(record == NodeRecord{0, record.ballot_mark, {}, {}});
        record.ballot_counter = UINT64_MAX - 1;
        record.witnesses["a1"] = {"i", 7};
        record.witnesses["it's a2"] = {"", UINT64_MAX};
        record.last_order = {3, 4, "night"};
        REQUIRE(store.value().record(record).ok());
    }
    {
        auto store = ControllerNodeStore::open(path);
        REQUIRE(store.ok());
        record.ballot_mark = store->load()->ballot_mark;
        CHECK(*store->load() == record);
        record.witnesses.erase("a1");
        ++record.ballot_counter;
        REQUIRE(store.value().record(record).ok());
    }
    auto store = ControllerNodeStore::open(path);
    REQUIRE(store.ok());
    record.ballot_mark = store->load()->ballot_mark;
    CHECK(*store->load() == record);
    CHECK(*store->lives() == 3);
}

TEST_CASE("a node that goes on with an old copy of its file has other ballots than before") {
    const TemporaryFolder folder;
    const std::string copy = folder.file("copy.db");
    REQUIRE(ControllerNodeStore::open(copy).ok());
    std::set<std::uint64_t> marks;
    for (int life = 0; life < 8; ++life) {
        const std::string path = folder.file("pair.db");
        std::filesystem::copy_file(copy, path, std::filesystem::copy_options::overwrite_existing);
        auto store = ControllerNodeStore::open(path);
        REQUIRE(store.ok());
        marks.insert(store->load()->ballot_mark);
        CHECK(*store->lives() == 2);
    }
    CHECK(marks.size() > 6);  // two of eight are the same once in forty thousand times
}

TEST_CASE("a node's file of an earlier program counts its lives above what was said before") {
    const TemporaryFolder folder;
    const std::string path = folder.file("pair.db");
    sqlite3* raw = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &raw) == SQLITE_OK);
    constexpr const char* version_2 =
        "PRAGMA application_id=1280459088;PRAGMA user_version=2;"
        "CREATE TABLE node(id INTEGER PRIMARY KEY, ballot_counter, order_epoch, order_counter, "
        "order_issuer, ballot_mark);"
        "CREATE TABLE witness(agent TEXT PRIMARY KEY, instance TEXT, changes INTEGER) WITHOUT "
        "ROWID;"
        "INSERT INTO node VALUES(1,77,1,2,'night',5);";
    CHECK(sqlite3_exec(raw, version_2, nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(raw);
    const auto store = ControllerNodeStore::open(path);
    REQUIRE(store.ok());
    CHECK(store->load()->ballot_counter == 77);
    CHECK(*store->lives() > 1'700'000'000);
}

TEST_CASE("a node that lost its file has other ballots than before") {
    const TemporaryFolder folder;
    std::set<std::uint64_t> marks;
    for (int life = 0; life < 8; ++life) {
        auto store = ControllerNodeStore::open(folder.file("pair" + std::to_string(life) + ".db"));
        REQUIRE(store.ok());
        marks.insert(store->load()->ballot_mark);
    }
    CHECK(marks.size() > 6);  // two of eight are the same once in forty thousand times
}

TEST_CASE("a node does not take an agent's file for its own") {
    const TemporaryFolder folder;
    const std::string path = folder.file("pair.db");
    REQUIRE(agent::runtime::VotingAgentStore::open(path).ok());
    const auto refused = ControllerNodeStore::open(path);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message.find("pair.db") != std::string::npos);
}

// The ledgers of hosts without an agent in the pair's database: who serves has the rows for itself,
// whatever of the node before it still comes.

#include <chrono>
#include <csignal>
#include <future>

#include "agent/postgres/host_ledgers.hpp"
#include "agent/postgres/host_names.hpp"
#include "agent/postgres/primary_session.hpp"
#include "test/integration/postgres/two_servers.hpp"
#include "test/support/catch.hpp"

namespace {

using agent::core::HostLedgerRow;
using agent::core::Outcome;
using agent::postgres::HostLedgerRows;
using agent::postgres::PrimarySession;
using two_servers::Node;
using two_servers::TwoServers;
using Rows = HostLedgerRows::Rows;

PrimarySession ledger_session_of(TwoServers& pair, Node node) {
    return PrimarySession(pair.configuration(node), {});
}

HostLedgerRow row_of(const std::string& drive) {
    HostLedgerRow row;
    row.agent = "it's old";
    row.entry = {{drive}, {18'000'000'000'000'000'000U, 7}, "lra-a", {1'000}, false, "it's \"x\""};
    row.online_may_come = true;
    row.application_name = "drive 1";
    row.runs_for = {60'000};
    row.put_at = {1'000};
    return row;
}

// A database of the site's, which both nodes are at home in: what a node has asked it for goes on
// when the node is dead.
struct Site {
    Site() {
        pair.make();
        pair.open(Node::first);
        pair.open(Node::second);
        REQUIRE(pair.begin_pair());
        dead.emplace(pair.configuration(Node::first), nullptr);
        REQUIRE(dead->connect(true));
        heir.emplace(pair.configuration(Node::first), nullptr);
        REQUIRE(heir->connect(true));
    }
    // As the record of a takeover has it.
    void serves(const std::string& node) const {
        REQUIRE(pair.ask(Node::first, "UPDATE pair_epoch SET epoch = epoch + 1, node = '" + node +
                                          "' RETURNING node") == node);
    }
    // Until so many of the sessions wait for a lock of another one.
    [[nodiscard]] bool until_waiting(int sessions) {
        return pair.until([&] {
            return pair.ask(Node::first,
                            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = "
                            "'Lock'") == std::to_string(sessions);
        });
    }

    TwoServers pair;
    std::optional<PrimarySession> dead;
    std::optional<PrimarySession> heir;
};

template <typename Work>
auto meanwhile(Work work) {
    return std::async(std::launch::async, std::move(work));
}

bool is_under_way(const std::future<Outcome>& work) {
    return work.wait_for(std::chrono::milliseconds(100)) == std::future_status::timeout;
}

}  // namespace

TEST_CASE("the ledger of a host is written by the node that serves, and read by its successor") {
    if (!two_servers::can_run()) return;
    TwoServers pair;
    pair.make();
    pair.open(Node::first);
    pair.open(Node::second);
    REQUIRE(pair.begin_pair());
    auto session = ledger_session_of(pair, Node::first);
    REQUIRE(session.connect(true));
    HostLedgerRows serving(session, "first");
    const auto row = row_of("HU 1");
    REQUIRE(serving.put(row));
    auto later = row;
    later.entry.done = true;
    later.put_at = {2'000};
    REQUIRE(serving.put(later));
    CHECK(serving.read("it's old").value() == Rows{later});
    CHECK(serving.read("host-b")->empty());
    CHECK(serving.read_open().value() == Rows{later});

    pair.signal(Node::first, SIGKILL);
    REQUIRE(pair.begin_alone(Node::second, 2));
    auto successors = ledger_session_of(pair, Node::second);
    REQUIRE(successors.connect(true));
    CHECK_FALSE(HostLedgerRows(successors, "first").put(row));
    HostLedgerRows successor(successors, "second");
    CHECK(successor.read("it's old").value() == Rows{later});
    REQUIRE(successor.put(row));
    CHECK(successor.read("it's old").value() == Rows{row});
}

TEST_CASE("tables that are gone, the data being of before they were made, are made again") {
    if (!two_servers::can_run()) return;
    Site site;
    HostLedgerRows serving(*site.dead, "first");
    REQUIRE(serving.put(row_of("HU 1")));
    REQUIRE(site.pair.session(Node::first)
                ->run("DROP TABLE host_ledger_claim, host_ledger", {}, {5'000}));
    CHECK_FALSE(serving.read_open());
    CHECK(serving.read_open()->empty());
    CHECK(serving.put(row_of("HU 1")));
}

TEST_CASE("what a dead node has begun to write is waited for before the rows are believed") {
    if (!two_servers::can_run()) return;
    for (const bool is_new : {false, true}) {
        Site site;
        HostLedgerRows dead(*site.dead, "first");
        HostLedgerRows heir(*site.heir, "second");
        const auto row = row_of("HU 1");
        auto struck = row;
        struck.present = false;
        if (!is_new) REQUIRE(dead.put(row));
        REQUIRE(dead.read("it's old"));
        // The statement has its snapshot, in which the first node serves, and can not go on.
        const auto blocker = site.pair.session(Node::first);
        REQUIRE(blocker->run("BEGIN", {}, {5'000}));
        REQUIRE(blocker->run(
            is_new ? "INSERT INTO host_ledger VALUES ('it''s old', 'HU 1', false, false, false, 0, "
                     "0, '', 0, '', '', 0, 0, 0)"
                   : "UPDATE host_ledger SET reason = reason",
            {}, {5'000}));
        auto put = meanwhile([&] { return dead.put(struck); });
        REQUIRE(site.until_waiting(1));
        site.serves("second");
        std::optional<Rows> read;
        auto claimed = meanwhile([&]() -> Outcome {
            auto rows = heir.read("it's old");
            if (!rows) return rows.error();
            read = std::move(rows).value();
            return agent::core::Nothing{};
        });
        REQUIRE(site.until_waiting(2));
        CHECK(is_under_way(claimed));
        REQUIRE(blocker->run("ROLLBACK", {}, {5'000}));
        CHECK(put.get());
        REQUIRE(claimed.get());
        CHECK(read == Rows{struck});
    }
}

TEST_CASE("a statement of a dead node that goes on after the claim writes nothing") {
    if (!two_servers::can_run()) return;
    for (const bool is_new : {false, true}) {
        Site site;
        HostLedgerRows dead(*site.dead, "first");
        const auto row = row_of("HU 1");
        if (is_new) {
            REQUIRE(dead.read("it's old"));
        } else {
            REQUIRE(dead.put(row));
        }
        // The claim is not committed yet when the late statement comes, with its own snapshot.
        site.serves("second");
        REQUIRE(site.heir->write("BEGIN", {}));
        HostLedgerRows heir(*site.heir, "second");
        const auto read = heir.read("it's old");
        REQUIRE(read);
        site.serves("first");
        auto late = row;
        late.present = false;
        auto put = meanwhile([&] { return dead.put(late); });
        REQUIRE(site.until_waiting(1));
        site.serves("second");
        REQUIRE(site.heir->write("COMMIT", {}));
        CHECK_FALSE(put.get());
        CHECK(heir.read("it's old").value() == *read);
        CHECK(read->size() == (is_new ? 0 : 1));
        CHECK_FALSE(dead.put(late));
        CHECK(heir.put(row));
    }
}

TEST_CASE("a claim of a dead node that comes late takes nothing from who serves") {
    if (!two_servers::can_run()) return;
    Site site;
    HostLedgerRows dead(*site.dead, "first");
    HostLedgerRows heir(*site.heir, "second");
    REQUIRE(dead.read("it's old"));
    const auto blocker = site.pair.session(Node::first);
    REQUIRE(blocker->run("BEGIN", {}, {5'000}));
    REQUIRE(blocker->run("SELECT number FROM host_ledger_claim FOR UPDATE", {}, {5'000}));
    dead.begin_anew();
    auto claimed = meanwhile([&]() -> Outcome {
        auto rows = dead.read("it's old");
        return rows ? Outcome(agent::core::Nothing{}) : Outcome(rows.error());
    });
    REQUIRE(site.until_waiting(1));
    site.serves("second");
    REQUIRE(blocker->run("UPDATE host_ledger_claim SET number = number + 1, epoch = epoch + 1", {},
                         {5'000}));  // as the heir's claim does, which came first
    REQUIRE(blocker->run("COMMIT", {}, {5'000}));
    CHECK_FALSE(claimed.get());
    REQUIRE(heir.read("it's old"));
    CHECK(heir.put(row_of("HU 1")));
}

TEST_CASE("a node whose claim was taken claims anew, and its numbers go on above all others") {
    if (!two_servers::can_run()) return;
    Site site;
    HostLedgerRows serving(*site.heir, "first");
    auto row = row_of("HU 1");
    for (int put = 0; put < 3; ++put)
        REQUIRE(serving.put(row));
    // A life of this node before this one; its claim is late.
    HostLedgerRows before(*site.dead, "first");
    REQUIRE(before.read("it's old"));
    row.entry.done = true;
    CHECK_FALSE(serving.put(row));
    REQUIRE(serving.put(row));
    CHECK_FALSE(before.put(row_of("HU 1")));
    CHECK(serving.read("it's old").value() == Rows{row});
}

TEST_CASE("a host that nobody plays is forgotten: its rows stay, and say so") {
    if (!two_servers::can_run()) return;
    Site site;
    HostLedgerRows serving(*site.heir, "first");
    const auto row = row_of("HU 1");
    auto other = row_of("HU 2");
    other.agent = "another";
    REQUIRE(serving.put(row));
    REQUIRE(serving.put(other));
    REQUIRE(serving.strike_out("it's old", {5'000}));
    REQUIRE(serving.strike_out("it's old", {5'000}));
    CHECK(serving.read_open().value() == Rows{other});
    const auto left = serving.read("it's old");
    REQUIRE(left->size() == 1);
    CHECK_FALSE(left->front().present);
    CHECK_FALSE(left->front().online_may_come);
    CHECK(left->front().put_at.ms == 5'000);
    REQUIRE(serving.put(row));  // it is configured again
    CHECK(serving.read("it's old").value() == Rows{row});
    HostLedgerRows before(*site.dead, "first");
    REQUIRE(before.read_open());
    CHECK_FALSE(serving.strike_out("it's old", {6'000}));  // somebody has claimed the rows
}

TEST_CASE("rows of a version before are read, and count as written at an unknown time") {
    if (!two_servers::can_run()) return;
    TwoServers pair;
    pair.make();
    pair.open(Node::first);
    pair.open(Node::second);
    REQUIRE(pair.begin_pair());
    {
        auto older = ledger_session_of(pair, Node::first);
        REQUIRE(older.connect(true));
        HostLedgerRows rows(older, "first");
        REQUIRE(rows.put(row_of("HU 1")));
        REQUIRE(older.write("ALTER TABLE host_ledger DROP COLUMN put_at", {}));
        REQUIRE(older.write("UPDATE host_ledger SET number = 17", {}));
        REQUIRE(older.write("DROP TABLE host_ledger_claim", {}));
    }
    auto session = ledger_session_of(pair, Node::first);
    REQUIRE(session.connect(true));
    HostLedgerRows rows(session, "first");
    auto row = row_of("HU 1");
    row.put_at = {};
    CHECK(rows.read("it's old").value() == Rows{row});
    CHECK(rows.put(row_of("HU 1")));
}

TEST_CASE("each node puts what it calls hosts, and reads what the other one does") {
    if (!two_servers::can_run()) return;
    TwoServers pair;
    pair.make();
    pair.open(Node::first);
    pair.open(Node::second);
    REQUIRE(pair.begin_pair());
    auto serving = ledger_session_of(pair, Node::first);
    auto standing_by = ledger_session_of(pair, Node::second);
    REQUIRE(serving.connect(true));
    REQUIRE(put_host_names(serving, "lra-a", "{}"));
    REQUIRE(put_host_names(standing_by, "lra-b", "{\"it's\":1}"));
    REQUIRE(put_host_names(serving, "lra-a", "{ }"));
    const std::map<std::string, std::string> names{{"lra-a", "{ }"}, {"lra-b", "{\"it's\":1}"}};
    CHECK(read_host_names(standing_by).value() == names);
    CHECK_FALSE(standing_by.is_own());
    REQUIRE(serving.write("DROP TABLE host_names", {}));  // a node of an older version serves
    const auto none = read_host_names(standing_by);
    REQUIRE(none);
    CHECK_FALSE(none->has_value());
}

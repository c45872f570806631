// Hosts whose agents two controllers play in turn: the rows are a test's own.

#include <algorithm>

#include "agent/agentless/ssh_commands.hpp"
#include "test/unit/agentless/played_hosts.hpp"

using namespace agentless_test;

namespace {

struct SharedRows {
    std::vector<core::HostLedgerRow> rows;
    bool answers = true;
    bool may_run = true;
    std::uint64_t life = 0;
    int reads = 0;
    int puts = 0;

    agentless::LedgerDoors doors() {
        agentless::LedgerDoors doors;
        doors.read = [this](const core::AgentName&, const auto& then) {
            ++reads;
            if (answers) then(agentless::LedgerDoors::Rows(rows));
        };
        doors.put = [this](const core::HostLedgerRow& row, const auto& then) {
            ++puts;
            if (!answers) return;
            std::erase_if(rows,
                          [&](const auto& one) { return one.entry.drive == row.entry.drive; });
            rows.push_back(row);
            then(core::Outcome(core::Nothing{}));
        };
        doors.may_run = [this] { return may_run; };
        doors.newest_life = [this](const core::AgentName&) { return life; };
        return doors;
    }
    void add(const std::string& serial, const std::string& name) {
        core::HostLedgerRow row;
        row.agent = "backup3";
        row.entry = {{serial}, {1, 1}, "lra-b", {}, true, "reserved by x"};
        row.application_name = name;
        rows.push_back(row);
    }
};

core::DriveSharingAgentState kept_in_file(const PlayedHosts& played) {
    return played.store().load().value();
}

}  // namespace

TEST_CASE("a host that is played in turn begins with the rows, not before they are read") {
    SharedRows shared;
    shared.answers = false;
    shared.add("VT1", "drive-1");
    PlayedHosts played(shared.doors());
    played.start();
    CHECK(shared.reads == 1);
    CHECK_FALSE(played.host().begun());
    played.hosts->rest();
    shared.answers = true;
    played.hosts->start();
    played.settle();
    REQUIRE(played.host().begun());
    REQUIRE(played.host().offline_by_us().size() == 1);
    CHECK(played.host().offline_by_us()[0].text == "VT1");
}

TEST_CASE("whoever rests forgets the ledger, which may be another one when it goes on") {
    SharedRows shared;
    shared.add("VT1", "drive-1");
    PlayedHosts played(shared.doors());
    played.start();
    REQUIRE(played.host().begun());
    played.hosts->rest();
    CHECK_FALSE(played.host().begun());
    CHECK(played.host().offline_by_us().empty());
    shared.rows[0].present = false;
    played.hosts->start();
    played.settle();
    CHECK(played.host().begun());
    CHECK(played.host().offline_by_us().empty());
}

TEST_CASE("the ledger of a controller that was alone goes into the rows, and a row counts more") {
    SharedRows shared;
    SECTION("no row") {
        PlayedHosts played(shared.doors());
        played.remember_offline("VT1");
        played.start();
        REQUIRE(shared.rows.size() == 1);
        CHECK(shared.rows[0].entry.drive.text == "VT1");
        CHECK(shared.rows[0].application_name == "drive-1");
        CHECK(shared.rows[0].runs_for.ms > 0);
        CHECK(played.host().begun());
        CHECK(played.host().offline_by_us().size() == 1);
        played.hosts.reset();
        CHECK(kept_in_file(played).ledger.empty());
    }
    SECTION("a row that was struck out") {
        shared.add("VT1", "drive-1");
        shared.rows[0].present = false;
        PlayedHosts played(shared.doors());
        played.remember_offline("VT1");
        played.start();
        CHECK(shared.puts == 0);
        CHECK(played.host().begun());
        CHECK(played.host().offline_by_us().empty());
        played.hosts.reset();
        CHECK(kept_in_file(played).ledger.empty());
    }
    SECTION("no answer") {
        PlayedHosts played(shared.doors());
        shared.answers = false;
        played.remember_offline("VT1");
        played.start();
        CHECK_FALSE(played.host().begun());
        played.hosts.reset();
        CHECK(kept_in_file(played).ledger.size() == 1);
    }
}

TEST_CASE("a drive that the other controller took offline by another name is nobody's to command") {
    SharedRows shared;
    shared.add("VT1", "another drive");
    PlayedHosts played(shared.doors());
    played.start();
    CHECK_FALSE(played.host().begun());
    REQUIRE(played.contacts.size() == 1);
    CHECK(played.contacts[0].state == core::HostContact::State::not_understood);
    CHECK_THAT(played.contacts[0].words, ContainsSubstring("\"another drive\""));
    CHECK_THAT(played.contacts[0].words, ContainsSubstring("\"drive-1\""));
}

TEST_CASE("what was found when this controller served last is not believed") {
    SharedRows shared;
    for (const bool in_turn : {false, true}) {
        PlayedHosts played(in_turn ? std::optional(shared.doors()) : std::nullopt);
        played.agent["drives"] = "discover";
        played.agent["ports"] = "discover";
        played.remember("port fc:2100000e1e09a1bf\ndrive VT1 /dev/nst0\n");
        played.start();
        CHECK(played.host().begun() != in_turn);
        CHECK(played.host().completed().host.ports.empty() == in_turn);
    }
}

TEST_CASE("nothing is run over ssh by who may not, and nobody hears a word about the host") {
    asio::io_context loop;
    agentless::SshSlots slots(4, 4);
    runtime::SshConfiguration ssh;
    const TemporaryFolder folder;
    ssh.host = "backup3.example";
    ssh.user = "lra";
    ssh.key_file = folder.write("key", "correct horse\n");
    ssh.known_hosts_file = folder.write("known_hosts", "x");
    std::filesystem::permissions(ssh.key_file, std::filesystem::perms::owner_read);
    int heard = 0;
    agentless::SshCommands commands(
        loop, ssh, "", slots, [&](const agentless::SshAnswer&) { ++heard; }, [] { return false; });
    std::optional<host::CommandOutcome> outcome;
    host::Command command;
    command.argv = {"/bin/true"};
    commands.run(command, [&](host::CommandOutcome ended) { outcome = std::move(ended); });
    loop.run();
    REQUIRE(outcome);
    CHECK(outcome->end == host::CommandOutcome::End::not_started);
    CHECK_THAT(outcome->why, ContainsSubstring("does not serve"));
    CHECK(heard == 0);
}

// Hosts whose agents two controllers play in turn: the rows are a test's own.

#include <algorithm>

#include "agent/agentless/ssh_commands.hpp"
#include "test/unit/agentless/played_hosts.hpp"

using namespace agentless_test;

namespace {

struct SharedRows {
    enum class Database { works, refuses, is_silent };

    std::vector<core::HostLedgerRow> rows;
    Database database = Database::works;
    bool may_run = true;
    std::uint64_t life = 0;
    int reads = 0;
    int puts = 0;
    int questions = 0;  // whether something may be run

    agentless::LedgerDoors doors() {
        const core::Error refused{"the other node serves by the record in the database"};
        agentless::LedgerDoors doors;
        doors.read = [this, refused](const core::AgentName&, const auto& then) {
            ++reads;
            if (database == Database::works) then(agentless::LedgerDoors::Rows(rows));
            if (database == Database::refuses) then(agentless::LedgerDoors::Rows(refused));
        };
        doors.put = [this, refused](const core::HostLedgerRow& row, const auto& then) {
            ++puts;
            if (database == Database::refuses) then(core::Outcome(refused));
            if (database != Database::works) return;
            std::erase_if(rows,
                          [&](const auto& one) { return one.entry.drive == row.entry.drive; });
            rows.push_back(row);
            then(core::Outcome(core::Nothing{}));
        };
        doors.may_run = [this] {
            ++questions;
            return may_run;
        };
        doors.newest_life = [this](const core::AgentName&) { return life; };
        doors.tried_again_after = std::chrono::milliseconds(1);
        return doors;
    }
    core::HostLedgerRow& add(const std::string& serial, const std::string& name) {
        core::HostLedgerRow row;
        row.agent = "backup3";
        row.entry = {{serial}, {1, 1}, "lra-b", {}, true, "reserved by x"};
        row.application_name = name;
        return rows.emplace_back(row);
    }
};
using Database = SharedRows::Database;

core::DriveSharingAgentState kept_in_file(const PlayedHosts& played) {
    return played.store().load().value();
}

}  // namespace

TEST_CASE("a host that is played in turn begins with the rows, not before they are read") {
    SharedRows shared;
    shared.database = Database::is_silent;
    shared.add("VT1", "drive-1");
    PlayedHosts played(shared.doors());
    played.start();
    CHECK(shared.reads == 1);
    CHECK_FALSE(played.host().begun());
    played.hosts->rest();
    shared.database = Database::works;
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
        shared.database = Database::is_silent;
        played.remember_offline("VT1");
        played.start();
        CHECK_FALSE(played.host().begun());
        played.hosts.reset();
        CHECK(kept_in_file(played).ledger.size() == 1);
    }
}

TEST_CASE("a set_online of a controller that was alone may come in the pair too") {
    SharedRows shared;
    PlayedHosts played(shared.doors());
    const auto& rows = shared.rows;
    played.remember_online_command("VT1");
    SECTION("of a drive that no row speaks of") {
        played.start();
        REQUIRE(rows.size() == 1);
        CHECK(rows[0].agent == "backup3");
        CHECK(rows[0].entry.drive.text == "VT1");
        CHECK_FALSE(rows[0].present);
    }
    SECTION("of one that it had set offline") {
        played.remember_offline("VT1", {6'000'000});
        played.start();
        REQUIRE(rows.size() == 1);
        CHECK(rows[0].present);
        CHECK(shared.puts == 1);
    }
    SECTION("of one whose row is older, and the other controller's word of it stays as old") {
        auto& row = shared.add("VT1", "drive-1");
        row.put_at = {5'000'000};
        row.runs_for = {99'000'000};
        played.start();
        REQUIRE(rows.size() == 1);
        CHECK(rows[0].present);
        CHECK(rows[0].put_at.ms == 5'000'000);
        CHECK(rows[0].runs_for.ms == 99'000'000);
    }
    SECTION("after the database has refused it") {
        auto doors = shared.doors();
        const auto put = doors.put;
        doors.put = [&shared, put](const core::HostLedgerRow& row, const auto& then) {
            shared.database = shared.puts < 2 ? Database::refuses : Database::works;
            put(row, then);
            shared.database = Database::works;
        };
        PlayedHosts other(doors);
        other.remember_online_command("VT1");
        other.start();
        CHECK(other.until([&] { return other.host().begun(); }));
        CHECK(shared.puts == 3);
        other.hosts.reset();
        CHECK(kept_in_file(other).unseen.empty());
    }
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].online_may_come);
    CHECK(rows[0].runs_for.ms > 0);
    CHECK(played.noted.empty());
    if (played.hosts->find("backup3") == nullptr) return;
    CHECK(played.host().begun());
    played.hosts.reset();
    CHECK(kept_in_file(played).unseen.empty());
}

TEST_CASE("rows that can not be read are read again, and nothing is said for the host before") {
    SharedRows shared;
    shared.database = Database::refuses;
    shared.add("VT1", "drive-1");
    PlayedHosts played(shared.doors());
    played.start();
    CHECK(played.until([&] { return shared.reads >= 3; }));
    CHECK_FALSE(played.host().begun());
    CHECK(played.said.empty());
    shared.database = Database::works;
    CHECK(played.until([&] { return played.host().begun(); }));
    CHECK(played.host().offline_by_us().size() == 1);
}

TEST_CASE("what was set offline alone stays in the file until its row is there") {
    SharedRows shared;
    PlayedHosts played(shared.doors());
    played.remember_offline("VT1");
    shared.may_run = false;  // as long as this does not serve, for good or for a moment
    SECTION("the row can be read, and not written") {
        int left = 2;
        auto doors = shared.doors();
        const auto put = doors.put;
        doors.put = [&](const core::HostLedgerRow& row, const auto& then) {
            shared.database = left-- > 0 ? Database::refuses : Database::works;
            put(row, then);
            shared.database = Database::works;
        };
        PlayedHosts other(doors);
        other.remember_offline("VT1");
        other.start();
        CHECK(other.until([&] { return other.host().begun(); }));
        CHECK(shared.puts == 3);
        CHECK(other.host().offline_by_us().size() == 1);
        CHECK(shared.rows.size() == 1);
        other.hosts.reset();
        CHECK(kept_in_file(other).ledger.empty());
    }
    SECTION("never") {
        shared.database = Database::refuses;
        played.start();
        CHECK(played.until([&] { return shared.reads >= 3; }));
        played.hosts.reset();
        CHECK(kept_in_file(played).ledger.size() == 1);
    }
}

TEST_CASE(
    "of a row and the ledger of a controller that was alone the newer one counts, and it is told") {
    SharedRows shared;
    auto& row = shared.add("VT1", "drive-1");
    row.present = false;
    row.entry.at = {1'000'000};
    row.put_at = {5'000'000};
    PlayedHosts played(shared.doors());
    SECTION("the row was written before, by an earlier pair") {
        row.online_may_come = true;
        row.runs_for = {99'000'000};
        played.remember_offline("VT1", {6'000'000});
        played.start();
        REQUIRE(shared.rows.size() == 1);
        CHECK(shared.rows[0].present);
        CHECK(shared.rows[0].entry.at.ms == 6'000'000);
        CHECK(shared.rows[0].put_at.ms > 6'000'000);
        CHECK(shared.rows[0].online_may_come);  // what the earlier pair began may still come
        CHECK(shared.rows[0].runs_for.ms == 99'000'000);
        CHECK(played.host().offline_by_us().size() == 1);
    }
    SECTION("the row was written since") {
        played.remember_offline("VT1", {4'000'000});
        played.start();
        CHECK(shared.puts == 0);
        CHECK(played.host().offline_by_us().empty());
    }
    SECTION("the row was made from it: nothing is to be told") {
        played.remember_offline("VT1", {4'000'000});
        row.entry = kept_in_file(played).ledger.front();
        row.entry.done = false;
        played.start();
        CHECK(played.host().offline_by_us().empty());
        CHECK(played.noted.empty());
        played.hosts.reset();
        CHECK(kept_in_file(played).ledger.empty());
        return;
    }
    const bool ours = !played.host().offline_by_us().empty();
    REQUIRE(played.until([&] { return !played.noted.empty(); }));
    REQUIRE(played.noted.size() == 1);
    CHECK(played.noted[0].first == core::Message::host_ledgers_differ);
    CHECK_THAT(played.noted[0].second,
               ContainsSubstring(ours ? "counts: this controller's ledger" : "counts: the row"));
    CHECK_THAT(played.noted[0].second, ContainsSubstring("1970-01-01T01:23:20"));
    played.hosts.reset();
    CHECK(kept_in_file(played).ledger.empty());
}

TEST_CASE("whoever does not serve runs nothing on the host: no look, no command, no release") {
    SharedRows shared;
    PlayedHosts played(shared.doors());
    // ssh could be started now; whoever starts it has an answer of it, and of the host's state.
    played.agent["ssh"]["key_file"] = "key";
    std::filesystem::permissions(played.folder.file("key"), std::filesystem::perms::owner_read);
    played.agent["ssh"]["host"] = "127.0.0.1";
    played.agent["ssh"]["port"] = 1;
    played.agent["application"]["release"] = {"/opt/app", "release", "{drive}"};
    played.start();
    REQUIRE(played.until([&] { return !played.contacts.empty(); }));  // it does start it
    shared.may_run = false;
    played.hosts->rest();
    shared.questions = 0;
    played.hosts->start();
    CHECK(shared.questions == 1);  // by the look that begins everything, and is not made
    played.contacts.clear();
    REQUIRE(played.until([&] { return played.host().begun(); }));
    std::optional<host::ProgramCall> called;
    played.host().application().call({"VT1"}, core::ApplicationAction::query,
                                     [&](const host::ProgramCall& call) { called = call; });
    core::HolderInquiry inquiry;
    inquiry.id = {1, 1};
    inquiry.controller = "lra-a";
    inquiry.drive = {"VT1"};
    inquiry.request = core::HolderRequest::release;
    played.said.clear();
    played.host().deliver(snmp_mib::HolderInquiryMessage{inquiry});
    const auto stated = [&]() -> const core::HolderStatement* {
        for (const auto& message : played.said) {
            if (const auto* one = std::get_if<snmp_mib::HolderStatementMessage>(&message))
                return &one->statement;
        }
        return nullptr;
    };
    REQUIRE(played.until([&] { return called && stated() != nullptr; }));
    CHECK_THAT(called->outcome.why, ContainsSubstring("does not serve"));
    CHECK(stated()->release == core::ReleaseResult::failed);
    CHECK_THAT(stated()->detail, ContainsSubstring("does not serve"));
    bool looked = false;
    played.host().looks().look_now([&](const agentless::Looked&) { looked = true; });
    played.settle();
    CHECK_FALSE(looked);
    CHECK(played.contacts.empty());
}

TEST_CASE("credentials that are broken when the service ends do not end the program") {
    SharedRows shared;
    shared.add("VT1", "drive-1");
    PlayedHosts played(shared.doors());
    const std::string secret = played.use_profile();
    played.start();
    REQUIRE(played.host().begun());
    std::filesystem::remove(secret);
    played.hosts->rest();
    played.settle();
    CHECK(played.broken.empty());
    CHECK(played.hosts->find("backup3") == nullptr);
    REQUIRE(played.hosts->why_closed("backup3") != nullptr);
    CHECK_THAT(*played.hosts->why_closed("backup3"), ContainsSubstring(secret));
    REQUIRE(played.contacts.size() >= 1);
    CHECK(played.contacts.back().state == core::HostContact::State::not_understood);
    CHECK_THAT(played.contacts.back().words, ContainsSubstring(secret));
    // It serves again, and whoever has the alarms now hears of it again.
    played.contacts.clear();
    played.hosts->start();
    played.settle();
    REQUIRE(played.contacts.size() == 1);
    CHECK_THAT(played.contacts[0].words, ContainsSubstring(secret));
    played.hosts->rest();
    // Mended: the next service needs no reload.
    played.folder.write("secret", "sesame-sesame\n");
    played.hosts->start();
    played.settle();
    REQUIRE(played.host().begun());
    CHECK(played.host().offline_by_us().size() == 1);
    CHECK(played.hosts->why_closed("backup3") == nullptr);
    CHECK(played.broken.empty());
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

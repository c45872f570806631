// The tables, as Debian's own snmpwalk, snmptable and snmpset read and write them through lra-mibd.

#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <map>
#include <sstream>

#include "test/integration/snmp/datagrams.hpp"
#include "test/integration/snmp/served_mib.hpp"
#include "test/support/catch.hpp"

namespace {

const std::string admin_state = mib_root + ".1.2.1.15";
const std::string admin_reason = mib_root + ".1.2.1.16";

// A text index: its length, then a sub-identifier for each byte.
std::string row_of(const std::string& serial) {
    std::string row = "." + std::to_string(serial.size());
    for (const char c : serial)
        row += "." + std::to_string(static_cast<unsigned char>(c));
    return row;
}

std::size_t resident_kb(int pid) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    std::string word;
    while (status >> word) {
        if (word == "VmRSS:" && status >> word) return std::stoul(word);
    }
    return 0;
}

// Has the process read everything that was sent to this port of loopback?
bool sent_and_taken(int pid, const std::string& port) {
    std::ostringstream wanted;
    wanted << std::uppercase << std::hex << std::setfill('0') << std::setw(4) << std::stoi(port);
    std::ifstream table("/proc/" + std::to_string(pid) + "/net/udp");
    std::string line;
    while (std::getline(table, line)) {
        std::istringstream columns(line);
        std::string slot;
        std::string local;
        std::string remote;
        std::string state;
        std::string queues;
        columns >> slot >> local >> remote >> state >> queues;
        if (local == "0100007F:" + wanted.str()) return queues.ends_with(":00000000");
    }
    return false;
}

std::vector<std::string> change(const std::string& serial, const std::string& state,
                                const std::string& reason) {
    return {admin_state + row_of(serial), "i", state, admin_reason + row_of(serial), "s", reason};
}

}  // namespace

TEST_CASE(
    "all tables and scalars can be walked with authentication and encryption, and not with less") {
    ServedMib served;
    served.wait_until_served();
    REQUIRE(
        eventually([&] { return values_in(served.walk(".1.2")) == 30; }));  // 2 drives, 15 columns
    CHECK(values_in(served.walk(".1.1")) == 22);
    CHECK(values_in(served.walk(".1.3")) == 6);
    CHECK(values_in(served.walk(".1.4")) == 6);
    CHECK(values_in(served.walk(".1.5")) == 6);
    CHECK(values_in(served.walk(".1.6")) == 3);
    CHECK(values_in(served.walk(".1.7")) == 8);
    CHECK_THAT(served.walk(".1.2"), ContainsSubstring("fc:2100000e1e09a1b0"));
    CHECK_THAT(served.ask("snmpget", {".1.3.6.1.2.1.1.3.0"}), ContainsSubstring("Timeticks"));
    CHECK_THAT(served.ask("snmpget", {".1.3.6.1.2.1.1.2.0"}),
               ContainsSubstring("OID: .1.3.6.1.4.1.8072.9999.9999.8433"));
    CHECK_THAT(served.ask("snmpget", {".1.3.6.1.2.1.1.1.0"}),
               ContainsSubstring("library reservation agent"));
    // Nothing else is there.
    CHECK(values_in(served.ask("snmpwalk", {".1"})) == 4 + 22 + 30 + 6 + 6 + 6 + 3 + 8);

    const std::vector<std::string> everything{".1.3.6.1"};
    const std::string good = "correct horse battery";
    const auto denied = [&](const std::vector<std::string>& security) {
        return served.ask("snmpwalk", everything, security).find("8433.1") == std::string::npos;
    };
    CHECK(denied(ServedMib::credentials("reader", good, "authNoPriv")));
    CHECK(denied(ServedMib::credentials("reader", good, "noAuthNoPriv")));
    CHECK(denied(ServedMib::credentials("reader", "incorrect horse")));
    CHECK(denied(ServedMib::credentials("mallory")));
    CHECK(denied({"-v", "2c", "-c", "public", "-r", "0", "-t", "1"}));
    CHECK(denied({"-v", "1", "-c", "public", "-r", "0", "-t", "1"}));
    CHECK(eventually([&] {
        return served.count("wrong_key") >= 1 && served.count("unknown_user") >= 1 &&
               served.count("version") >= 2;
    }));
    const UdpSocket attacker;
    attacker.send("GET / HTTP/1.1\r\n\r\n", static_cast<std::uint16_t>(std::stoi(served.port)));
    CHECK(eventually([&] { return served.count("malformed") >= 1; }));
}

TEST_CASE("snmptable shows each table by the module's names") {
    ServedMib served;
    served.wait_until_served();
    constexpr const char* mib_folders =
        LRA_SOURCE_DIR "/test/support/smi:" LRA_SOURCE_DIR "/snmp_mib:/usr/share/snmp/mibs";
    const std::map<std::string, std::string> cells{
        {"tlrDriveTable", "IBM"},      {"tlrAgentTable", "udp:127.0.0.1:10162"},
        {"tlrHandshakeTable", "1500"}, {"tlrEventTable", "LRA2003"},
        {"tlrAlarmTable", "critical"}, {"tlrConsumerTable", "it does not answer"}};
    for (const auto& [table, cell] : cells) {
        auto argv = ServedMib::credentials("reader");
        for (const char* word :
             {"-M", mib_folders, "-m", "TAPE-LIBRARY-RESERVATION-MIB", "-Ci", "-OS"})
            argv.emplace_back(word);
        const std::string shown =
            served.ask("snmptable", {"TAPE-LIBRARY-RESERVATION-MIB::" + table}, argv);
        CHECK_THAT(shown, ContainsSubstring("SNMP table: TAPE-LIBRARY-RESERVATION-MIB::" + table) &&
                              ContainsSubstring(cell) && !ContainsSubstring("?"));
    }
}

// What counts is how often rows are compared: time depends on the machine.
TEST_CASE("four thousand drives are walked with as much work for each row as a few") {
    ServedMib served;
    served.wait_until_served();
    const auto comparisons_for = [&](unsigned drives) {
        served.feeder.write("drives " + std::to_string(drives));
        served.wait_until_served(served.snapshots + 1);
        const std::string column = mib_root + ".1.2.1.2";
        REQUIRE(eventually([&] {
            return values_in(served.ask(
                       "snmpget", {column + row_of("VT" + std::to_string(999 + drives))})) == 1;
        }));
        std::uint64_t before = 0;
        REQUIRE(eventually([&] {  // counts come once a second
            const std::uint64_t now = served.count("row_comparisons");
            const bool settled = now == before && now != 0;
            before = now;
            if (!settled) served.feeder.wait_for("nothing", std::chrono::milliseconds(1'100));
            return settled;
        }));
        CHECK(values_in(served.ask("snmpbulkwalk", {"-Cr50", column})) == drives);
        std::uint64_t after = before;
        REQUIRE(eventually([&] {
            after = served.count("row_comparisons");
            return after != before;
        }));
        return static_cast<double>(after - before) / drives;
    };
    const double few = comparisons_for(250);
    const double many = comparisons_for(4'000);
    INFO("comparisons for each row: " << few << " of 250, " << many << " of 4000");
    CHECK(many < few * 2.5);  // the logarithm, not the number, of rows
}

TEST_CASE("who may write forces a drive offline with a reason, and nobody else does") {
    ServedMib served;
    served.wait_until_served();
    REQUIRE(eventually([&] { return values_in(served.walk(".1.2")) == 30; }));

    CHECK_THAT(served.ask("snmpset", change("VT1000", "2", "stuck cartridge"), "noc"),
               ContainsSubstring("stuck cartridge"));
    CHECK(served.feeder.wait_for("change") ==
          "change VT1000 offline noc@127.0.0.1: stuck cartridge");
    served.ask("snmpset", change("VT1000", "1", "cartridge is out"), "noc");
    CHECK(served.feeder.wait_for("change") ==
          "change VT1000 available noc@127.0.0.1: cartridge is out");

    const auto refused = [&](const std::vector<std::string>& varbinds, const std::string& error,
                             const std::string& user = "noc") {
        CHECK_THAT(served.ask("snmpset", varbinds, user), ContainsSubstring("Reason: " + error));
    };
    refused(change("VT1000", "2", "x"), "noAccess", "reader");
    refused({admin_state + row_of("VT1000"), "i", "2"}, "inconsistentValue");
    refused({admin_reason + row_of("VT1000"), "s", "why"}, "inconsistentValue");
    refused({admin_state + row_of("VT1000"), "i", "2", admin_reason + row_of("VT1001"), "s", "x"},
            "inconsistentValue");
    refused(change("VT1000", "3", "x"), "wrongValue");
    refused(change("VT1000", "2", "a\nb"), "wrongValue");
    refused(change("VT1000", "2", ""), "wrongLength");
    refused(change("VT1000", "2", std::string(201, 'x')), "wrongLength");
    refused({admin_state + row_of("VT1000"), "s", "2", admin_reason + row_of("VT1000"), "s", "x"},
            "wrongType");
    refused(change("VT9999", "2", "x"), "noCreation");
    refused({mib_root + ".1.2.1.2" + row_of("VT1000"), "s", "IBM"}, "notWritable");
    refused({mib_root + ".1.1.1.0", "s", "mine"}, "notWritable");
    refused(change("VT1001", "2", "the controller says no"), "commitFailed");
    CHECK(served.feeder.wait_for("change") ==
          "change VT1001 offline noc@127.0.0.1: the controller says no");
    // A node that stands by says so before anything is done.
    refused(change("VT1000", "2", "at the other node"), "resourceUnavailable");
    CHECK(served.feeder.wait_for("asked") == "asked by noc@127.0.0.1");
    // Tables that came in one piece with the refusal are served at once.
    CHECK(eventually([&] { return values_in(served.walk(".1.2")) == 45; }));
    // Nothing of what was refused has reached the controller.
    served.ask("snmpset", change("VT1000", "2", "last"), "noc");
    CHECK(served.feeder.wait_for("change") == "change VT1000 offline noc@127.0.0.1: last");
}

TEST_CASE("a helper that asks and asks without listening is started anew") {
    const TemporaryFolder folder;
    const std::string program =
        folder.file("helper",
                    "#!/bin/sh\nexec yes 'may {\"number\":1,\"drive\":\"VT1000\",\"offline\":true,"
                    "\"reason\":\"x\",\"user\":\"reader\",\"address\":\"192.0.2.50\"}'\n");
    REQUIRE(::chmod(program.c_str(), 0700) == 0);
    ChildProcess feeder({SNMP_FEEDER_PROCESS, program, folder.path(), folder.file("key", "-")});
    CHECK_FALSE(feeder.wait_for("it asks without listening").empty());
}

TEST_CASE("the helper listens where it was told and nowhere else") {
    ServedMib served;
    served.wait_until_served();
    const std::set<std::string> sockets = sockets_of(served.pid);
    REQUIRE(sockets.size() == 1);
    CHECK(sockets.begin()->starts_with("udp 0100007F:"));
}

TEST_CASE("twenty thousand queries with random engine IDs do not grow the helper") {
    ServedMib served;
    served.wait_until_served();
    const auto port = static_cast<std::uint16_t>(std::stoi(served.port));
    const auto wrap = [](char tag, const std::string& content) {
        return std::string(1, tag) + static_cast<char>(content.size()) + content;
    };
    // A GET of user "mallory", noAuthNoPriv (RFC 3412 6, RFC 3414 2.4); `flags` 4: reportable.
    const auto message = [&](std::uint32_t number, char flags) {
        std::string engine = from_hex("8000000001");
        for (unsigned shift = 32; shift != 0; shift -= 8)
            engine += static_cast<char>(number >> (shift - 8) & 0xffU);
        const std::string usm = wrap(0x04, engine) + from_hex("020101020101") +
                                wrap(0x04, "mallory") + from_hex("04000400");
        const std::string scoped_pdu = from_hex("04000400a00b0201010201000201003000");
        const std::string header =
            from_hex("020101020205780401") + std::string(1, flags) + from_hex("020103");
        return wrap(0x30, from_hex("020103") + wrap(0x30, header) + wrap(0x04, wrap(0x30, usm)) +
                              wrap(0x30, scoped_pdu));
    };
    const auto taken = [&] {
        return served.count("other_engine") + served.count("too_many") + served.count("requests");
    };
    std::uint32_t sent = 0;
    const auto flood = [&](const UdpSocket& attacker, std::uint32_t count, char flags) {
        for (std::uint32_t i = 0; i < count; ++i) {
            attacker.send(message(++sent, flags), port);
            // What the socket can not hold is lost, and would prove nothing.
            if (i % 100 == 99)
                REQUIRE(eventually([&] { return sent_and_taken(served.pid, served.port); }));
        }
    };
    const UdpSocket attacker;
    flood(attacker, 1'000, 0);
    flood(attacker, 1'000, 4);
    const std::size_t before = resident_kb(served.pid);
    flood(attacker, 20'000, 0);
    flood(attacker, 2'000, 4);
    for (int host = 2; host < 12; ++host)
        flood(UdpSocket("127.0.0." + std::to_string(host)), 200, 4);
    REQUIRE(eventually([&] { return taken() == sent; }));
    CHECK(served.count("other_engine") == 21'000);
    CHECK(served.count("too_many") >= 2'000);
    CHECK(resident_kb(served.pid) <= before + 200);
    // Who has the key is answered beside it.
    CHECK_THAT(served.ask("snmpget", {".1.3.6.1.2.1.1.3.0"}), ContainsSubstring("Timeticks"));
}

TEST_CASE(
    "a change is served soon, and a helper that dies is started again with the newest state") {
    ServedMib served;
    served.wait_until_served();
    served.feeder.write("grow");
    served.wait_until_served(2);
    CHECK(eventually([&] { return values_in(served.walk(".1.2")) == 45; }));
    const int killed = served.pid;
    ::kill(killed, SIGKILL);
    CHECK_FALSE(served.feeder.wait_for("trouble").empty());
    do {
        served.wait_until_served();
    } while (served.pid == killed);
    CHECK(eventually([&] { return values_in(served.walk(".1.2")) == 45; }));
}

TEST_CASE("the helper ends when its feeder does, even when it was killed") {
    ServedMib served;
    served.wait_until_served();
    const int helper = served.pid;
    served.feeder.signal(SIGKILL);
    served.feeder.wait();
    CHECK(eventually([&] {
        return !std::filesystem::exists("/proc/" + std::to_string(helper) + "/exe") ||
               std::filesystem::read_symlink("/proc/" + std::to_string(helper) + "/exe").empty();
    }));
}

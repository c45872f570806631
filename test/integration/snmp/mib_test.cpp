// The tables, as Debian's own snmpwalk and snmptable read them through lra-mibd.

#include <signal.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "test/integration/snmp/child_process.hpp"
#include "test/integration/snmp/datagrams.hpp"
#include "test/support/catch.hpp"

namespace {

struct Served {
    TemporaryFolder folder;
    std::string key = folder.file("key", "passphrase correct horse battery\n");
    ChildProcess feeder{{SNMP_FEEDER_PROCESS, LRA_MIBD, folder.path(), key}};
    int pid = 0;
    std::string port;

    void wait_until_served(int snapshots = 1) {
        std::string line;
        int sent = 0;
        do {
            line = feeder.wait_for("status");
            REQUIRE_FALSE(line.empty());
            std::istringstream words(line);
            std::string word;
            words >> word >> pid >> port >> sent;
        } while (port == "0" || sent < snapshots);
    }
    [[nodiscard]] std::string ask(const std::string& program, const std::vector<std::string>& rest,
                                  const std::string& level = "authPriv",
                                  const std::string& passphrase = "correct horse battery",
                                  const std::string& user = "reader") const {
        std::vector<std::string> argv{"env",
                                      "SNMP_PERSISTENT_DIR=" + folder.path("tools"),
                                      "MIBDIRS=/nowhere",
                                      program,
                                      "-v",
                                      "3",
                                      "-u",
                                      user,
                                      "-l",
                                      level,
                                      "-a",
                                      "SHA-256",
                                      "-A",
                                      passphrase,
                                      "-x",
                                      "AES",
                                      "-X",
                                      passphrase,
                                      "-r",
                                      "1",
                                      "-t",
                                      "2",
                                      "-On",
                                      "127.0.0.1:" + port};
        argv.insert(argv.end(), rest.begin(), rest.end());
        return run_program(argv).output;
    }
    [[nodiscard]] std::string walk(const std::string& below) const {
        return ask("snmpwalk", {".1.3.6.1.4.1.8072.9999.9999.8433" + below});
    }
};

// Values in the output of a walk; at the end of everything served the tool adds a remark.
std::size_t lines_of(const std::string& text) {
    std::istringstream stream(text);
    std::string line;
    std::size_t values = 0;
    while (std::getline(stream, line)) {
        if (line.find(" = ") != std::string::npos &&
            line.find("No more variables") == std::string::npos)
            ++values;
    }
    return values;
}

// Local ports of the sockets of one process, from /proc.
std::set<std::string> sockets_of(int pid) {
    std::set<std::string> inodes;
    for (const auto& entry :
         std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
        std::error_code ignored;
        const std::string target = std::filesystem::read_symlink(entry.path(), ignored).string();
        if (target.starts_with("socket:[")) inodes.insert(target.substr(8, target.size() - 9));
    }
    std::set<std::string> found;
    for (const std::string table : {"tcp", "tcp6", "udp", "udp6"}) {
        std::ifstream file("/proc/net/" + table);
        std::string line;
        while (std::getline(file, line)) {
            std::istringstream words(line);
            std::vector<std::string> columns;
            for (std::string word; words >> word;)
                columns.push_back(word);
            if (columns.size() > 9 && inodes.contains(columns[9]))
                found.insert(table + " " + columns[1]);
        }
    }
    return found;
}

}  // namespace

TEST_CASE(
    "all tables and scalars can be walked with authentication and encryption, and not with less") {
    Served served;
    served.wait_until_served();
    REQUIRE(
        eventually([&] { return lines_of(served.walk(".1.2")) == 26; }));  // 2 drives, 13 columns
    CHECK(lines_of(served.walk(".1.1")) == 11);
    CHECK(lines_of(served.walk(".1.3")) == 6);
    CHECK(lines_of(served.walk(".1.4")) == 6);
    CHECK(lines_of(served.walk(".1.5")) == 6);
    CHECK(lines_of(served.walk(".1.6")) == 3);
    CHECK_THAT(served.walk(".1.2"), ContainsSubstring("fc:2100000e1e09a1b0"));
    CHECK_THAT(served.ask("snmpget", {".1.3.6.1.2.1.1.3.0"}), ContainsSubstring("Timeticks"));

    const std::vector<std::string> everything{".1.3.6.1"};
    CHECK_THAT(served.ask("snmpwalk", everything, "authNoPriv"), !ContainsSubstring("8433.1"));
    CHECK_THAT(served.ask("snmpwalk", everything, "authPriv", "incorrect horse"),
               !ContainsSubstring("8433.1"));
    CHECK_THAT(served.ask("snmpwalk", everything, "authPriv", "correct horse battery", "mallory"),
               !ContainsSubstring("8433.1"));
    CHECK_THAT(run_program({"snmpwalk", "-v", "2c", "-c", "public", "-r", "0", "-t", "1",
                            "127.0.0.1:" + served.port, ".1.3.6.1"})
                   .output,
               !ContainsSubstring("8433.1"));
    CHECK_THAT(served.ask("snmpset", {".1.3.6.1.4.1.8072.9999.9999.8433.1.1.1.0", "s", "mine"}),
               !ContainsSubstring("mine"));
}

TEST_CASE("the helper listens where it was told and nowhere else") {
    Served served;
    served.wait_until_served();
    const std::set<std::string> sockets = sockets_of(served.pid);
    REQUIRE(sockets.size() == 1);
    CHECK(sockets.begin()->starts_with("udp 0100007F:"));
}

TEST_CASE(
    "a change is served soon, and a helper that dies is started again with the newest state") {
    Served served;
    served.wait_until_served();
    served.feeder.write("grow");
    served.wait_until_served(2);
    CHECK(eventually([&] { return lines_of(served.walk(".1.2")) == 39; }));
    const int killed = served.pid;
    ::kill(killed, SIGKILL);
    CHECK_FALSE(served.feeder.wait_for("trouble").empty());
    do {
        served.wait_until_served();
    } while (served.pid == killed);
    CHECK(eventually([&] { return lines_of(served.walk(".1.2")) == 39; }));
}

TEST_CASE("the helper ends when its feeder does, even when it was killed") {
    Served served;
    served.wait_until_served();
    const int helper = served.pid;
    served.feeder.signal(SIGKILL);
    served.feeder.wait();
    CHECK(eventually([&] {
        return !std::filesystem::exists("/proc/" + std::to_string(helper) + "/exe") ||
               std::filesystem::read_symlink("/proc/" + std::to_string(helper) + "/exe").empty();
    }));
}

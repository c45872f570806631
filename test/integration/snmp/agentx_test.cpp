// lra-mibd as an AgentX subagent of Debian's own snmpd, which comes, goes and hangs.

#include <csignal>
#include <optional>

#include "test/integration/snmp/datagrams.hpp"
#include "test/integration/snmp/served_mib.hpp"
#include "test/support/catch.hpp"

namespace {

// A snmpd with a configuration, a port and a folder of its own.
class Snmpd {
  public:
    Snmpd() : port_(UdpSocket().port()) {}
    [[nodiscard]] std::string socket() const { return folder_.path("master"); }
    [[nodiscard]] std::string port() const { return std::to_string(port_); }

    void start() {
        const std::string configuration =
            folder_.file("snmpd.conf",
                         "createUser reader SHA-256 \"correct horse battery\" AES \"correct horse "
                         "battery\"\nrouser reader authpriv\nrwuser writer authpriv\n"
                         "createUser writer SHA-256 \"correct horse battery\" AES \"correct horse "
                         "battery\"\nmaster agentx\n");
        process_.emplace(std::vector<std::string>{
            "env", "SNMP_PERSISTENT_DIR=" + folder_.path("state"), "MIBS=", "snmpd", "-f", "-C",
            "-c", configuration, "-x", "unix:" + socket(), "-Lo", "-I",
            "-smux,mteTrigger,mteTriggerConf", "udp:127.0.0.1:" + port()});
        REQUIRE_FALSE(process_->wait_for("NET-SNMP version").empty());
    }
    void signal(int number) { process_->signal(number); }
    void stop() { process_.reset(); }

  private:
    TemporaryFolder folder_;
    std::uint16_t port_;
    std::optional<ChildProcess> process_;
};

bool is_served(ServedMib& served) {
    return values_in(served.walk(".1.2")) == 30 && values_in(served.walk(".1.7")) == 8;
}

}  // namespace

TEST_CASE("snmpd shows our tables, read-only, and again after it was started anew") {
    Snmpd snmpd;
    snmpd.start();
    ServedMib served("unix:" + snmpd.socket());
    served.wait_until_served();
    CHECK(served.port == "0");
    served.port = snmpd.port();
    CHECK(eventually([&] { return is_served(served); }));
    CHECK(values_in(served.ask("snmpbulkwalk", {mib_root})) == 22 + 30 + 6 + 6 + 6 + 3 + 8);
    // The system group is snmpd's own.
    CHECK_THAT(served.ask("snmpget", {".1.3.6.1.2.1.1.1.0"}), ContainsSubstring("Linux"));
    // What a master passes on does not say who asks: nothing can be set.
    CHECK_THAT(served.ask("snmpset",
                          {mib_root + ".1.2.1.15.6.86.84.49.48.48.48", "i", "2",
                           mib_root + ".1.2.1.16.6.86.84.49.48.48.48", "s", "x"},
                          "writer"),
               ContainsSubstring("notWritable"));
    CHECK(sockets_of(served.pid).empty());

    snmpd.stop();
    served.wait_for_master(false);
    served.feeder.write("grow");
    snmpd.start();
    served.wait_for_master(true);
    CHECK(eventually([&] { return values_in(served.walk(".1.2")) == 45; }));
}

TEST_CASE("a subagent that is there before its master waits for it") {
    Snmpd snmpd;
    ServedMib served("unix:" + snmpd.socket());
    REQUIRE_FALSE(served.feeder.wait_for("status").empty());
    snmpd.start();
    served.wait_until_served();
    served.port = snmpd.port();
    CHECK(eventually([&] { return is_served(served); }));
}

TEST_CASE("a master that hangs stops the answers and nothing else") {
    Snmpd snmpd;
    snmpd.start();
    ServedMib served("unix:" + snmpd.socket());
    served.wait_until_served();
    served.port = snmpd.port();
    REQUIRE(eventually([&] { return is_served(served); }));
    snmpd.signal(SIGSTOP);
    // The feeder is as quick as ever while its helper may wait for the master.
    for (int i = 0; i < 20; ++i) {
        served.feeder.write("grow");
        const auto before = std::chrono::steady_clock::now();
        CHECK(served.count("no such count") == 0);
        CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds(8));
    }
    snmpd.signal(SIGCONT);
    CHECK(eventually([&] { return values_in(served.walk(".1.2")) == 30 + 20 * 15; },
                     std::chrono::seconds(40)));
    // Gone while the master hangs: nothing is left of it.
    snmpd.signal(SIGSTOP);
    const int helper = served.pid;
    served.feeder.signal(SIGKILL);
    served.feeder.wait();
    CHECK(eventually([&] { return ::kill(helper, 0) != 0 || sockets_of(helper).empty(); }));
    snmpd.signal(SIGCONT);
}

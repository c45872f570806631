// Alarms, as Debian's own snmptrapd receives them.

#include <fstream>
#include <sstream>
#include <string>

#include "test/integration/snmp/channel_driver.hpp"
#include "test/integration/snmp/datagrams.hpp"
#include "test/support/catch.hpp"

namespace {

constexpr auto program = SNMP_CHANNEL_PROCESS;

std::uint16_t free_port() {
    return UdpSocket().port();
}

// snmptrapd with a configuration of its own; what it receives is in log().
class Trapd {
  public:
    // `engine_id` of the sender, for v3 traps; may be empty.
    Trapd(const TemporaryFolder& folder, const std::string& engine_id,
          std::string authentication = "SHA-256", std::string privacy = "AES")
        : authentication_(std::move(authentication)),
          privacy_(std::move(privacy)),
          log_(folder.path("trapd.log")),
          process_(arguments(folder, engine_id)) {
        // It listens before it writes its first line.
        REQUIRE(eventually([&] { return log().find("NET-SNMP version") != std::string::npos; }));
    }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::string log() const {
        std::stringstream text;
        text << std::ifstream(log_).rdbuf();
        return text.str();
    }
    bool receives(const std::string& text) {
        return eventually([&] { return log().find(text) != std::string::npos; });
    }

  private:
    std::vector<std::string> arguments(const TemporaryFolder& folder,
                                       const std::string& engine_id) const {
        const std::string user = " nms " + authentication_ + " \"correct horse battery\" " +
                                 privacy_ + " \"correct horse battery\"\n";
        std::string configuration =
            "disableAuthorization no\nauthCommunity log public\nauthUser log nms authpriv\n"
            "createUser" +
            user;
        if (!engine_id.empty()) configuration += "createUser -e 0x" + engine_id + user;
        const std::string file = folder.file("trapd.conf", configuration);
        return {"env",   "SNMP_PERSISTENT_DIR=" + folder.folder("persist"),
                "MIBS=", "snmptrapd",
                "-f",    "-C",
                "-c",    file,
                "-m",    "",
                "-On",   "-Lf",
                log_,    "udp:127.0.0.1:" + std::to_string(port_)};
    }
    std::string authentication_;
    std::string privacy_;
    std::uint16_t port_ = free_port();
    std::string log_;
    ChildProcess process_;
};

std::vector<std::string> options(const TemporaryFolder& folder) {
    const std::string key = folder.file("key", "passphrase correct horse battery\n");
    return {"role controller", "name ctl", "state " + folder.folder("ctl"), "user nms " + key,
            "engine 80001f880501020304"};
}

constexpr auto forced_offline = ".1.3.6.1.4.1.8072.9999.9999.8433.0.13";
constexpr auto cleared = ".1.3.6.1.4.1.8072.9999.9999.8433.0.14";

}  // namespace

TEST_CASE("snmptrapd takes what is authenticated by SHA-512 and encrypted by AES-256") {
    const TemporaryFolder folder;
    Trapd trapd(folder, "80001f880501020304", "SHA-512", "AES-256");
    auto all = options(folder);
    for (auto& option : all) {
        if (option.starts_with("user nms")) option += " sha512 aes256";
    }
    const std::string delivery = GENERATE(as<std::string>{}, "inform", "trap");
    all.push_back("consumer udp:127.0.0.1:" + std::to_string(trapd.port()) + " 3 nms " + delivery);
    ChannelDriver controller(program, all);
    REQUIRE(controller.ready());
    controller.tell("test");
    CHECK(trapd.receives("this is a test"));
}

TEST_CASE("snmptrapd takes our v3 inform, v3 trap and v2c trap, raise and clear") {
    const std::string kind =
        GENERATE(as<std::string>{}, "3 nms inform", "3 nms trap", "2c public trap allow_insecure",
                 "2c public inform allow_insecure");
    INFO(kind);
    const TemporaryFolder folder;
    Trapd trapd(folder, "80001f880501020304");
    auto all = options(folder);
    const std::string address = "udp:127.0.0.1:" + std::to_string(trapd.port());
    all.push_back("consumer " + address + " " + kind);
    ChannelDriver controller(program, all);
    REQUIRE(controller.ready());
    controller.tell("alarm 2 VT00000001 host-a raise");
    CHECK(trapd.receives(forced_offline));
    controller.tell("alarm 2 VT00000001 host-a clear");
    CHECK(trapd.receives(cleared));
    controller.tell("test");
    CHECK(trapd.receives("this is a test"));
    controller.tell("heartbeat");
    CHECK(trapd.receives("alive, 2 alarms are active"));
    const std::string log = trapd.log();
    CHECK_THAT(log, ContainsSubstring("VT00000001"));
    CHECK_THAT(log, ContainsSubstring("2026-02-02T02:40:00.123Z"));
    CHECK(eventually([&] {
        controller.tell("consumers");
        return controller.wait_for("consumer ") == "consumer " + address + " 0 4 0";
    }));
}

TEST_CASE("a dead consumer delays nobody, and what it loses is counted") {
    const TemporaryFolder folder;
    const UdpSocket dead;
    const UdpSocket alive;
    auto all = options(folder);
    const std::string dead_address = "udp:127.0.0.1:" + std::to_string(dead.port());
    all.insert(all.end(), {"queue 10", "attempts 2", "resend 50 100",
                           "consumer " + dead_address + " 2c public inform allow_insecure",
                           "consumer udp:127.0.0.1:" + std::to_string(alive.port()) +
                               " 2c public trap allow_insecure"});
    ChannelDriver controller(program, all);
    REQUIRE(controller.ready());
    for (int i = 0; i < 50; ++i)
        controller.tell("alarm 2 VT00000001 host-a raise");
    for (int i = 0; i < 50; ++i)
        CHECK(alive.receive(std::chrono::seconds(2)));
    CHECK(eventually([&] {
        controller.tell("consumers");
        return controller.wait_for("consumer " + dead_address) ==
               "consumer " + dead_address + " 0 0 50";
    }));
}

TEST_CASE("version 2c is refused unless it is allowed, and an unknown user always") {
    const TemporaryFolder folder;
    auto all = options(folder);
    all.push_back("consumer udp:127.0.0.1:162 2c public trap");
    CHECK_THAT(ChannelDriver(program, all).first_line(), ContainsSubstring("allow_insecure"));
    all.back() = "consumer udp:127.0.0.1:162 3 nobody trap";
    CHECK_THAT(ChannelDriver(program, all).first_line(), ContainsSubstring("not in snmp.users"));
}

// Real datagrams against a running channel: nothing that is not authenticated, encrypted, fresh and
// for us reaches the handler, and every refusal has its own count.

#include <atomic>
#include <string>
#include <thread>

#include "test/integration/snmp/channel_driver.hpp"
#include "test/integration/snmp/datagrams.hpp"
#include "test/support/catch.hpp"

namespace {

constexpr auto program = SNMP_CHANNEL_PROCESS;

// A controller that listens, with one agent configured at 127.0.0.1.
struct Target {
    TemporaryFolder folder;
    std::string key = folder.file("key", "passphrase correct horse battery\n");
    ChannelDriver controller{
        program,
        {"role controller", "name ctl", "state " + folder.folder("ctl"), "user host-a " + key,
         "user reader " + key, "peer host-a udp:127.0.0.1:9 host-a"}};
    std::uint16_t port = controller.port();

    std::vector<std::string> snmpinform(const std::vector<std::string>& security,
                                        const std::string& command = "snmpinform") const {
        std::vector<std::string> argv{command, "-v", "3", "-r", "0", "-t", "1", "-m", ""};
        argv.insert(argv.end(), security.begin(), security.end());
        argv.push_back("127.0.0.1:" + std::to_string(port));
        argv.emplace_back("");
        argv.emplace_back("1.3.6.1.4.1.8072.9999.9999.8433.0.3");
        return argv;
    }
    static std::vector<std::string> credentials(const std::string& user,
                                                const std::string& passphrase,
                                                const std::string& level = "authPriv") {
        return {"-u", user,       "-l", level, "-a", "SHA-256",
                "-A", passphrase, "-x", "AES", "-X", passphrase};
    }
    std::uint64_t delivered() { return controller.count("messages_delivered"); }
};

constexpr auto root = "1.3.6.1.4.1.8072.9999.9999.8433";

std::vector<std::string> with_presence(std::vector<std::string> argv, const std::string& agent) {
    for (const std::string& word :
         {std::string(root) + ".2.1.0", std::string("s"), std::string("ctl"),
          std::string(root) + ".2.7.0", std::string("s"), agent, std::string(root) + ".2.10.0",
          std::string("C"), std::string("5")}) {
        argv.push_back(word);
    }
    return argv;
}

}  // namespace

TEST_CASE("Debian's snmpinform with the right user, key and level is delivered and acknowledged") {
    Target target;
    REQUIRE(target.controller.ready());
    const auto argv = target.snmpinform(Target::credentials("host-a", "correct horse battery"));
    const ProgramResult result = run_program(with_presence(argv, "host-a"));
    INFO(result.output);
    CHECK(result.status == 0);
    CHECK(target.controller.wait_for("message") == "message host-a started host-a 5");
    CHECK(run_program(with_presence(argv, "host-b")).status != 0);
    CHECK(target.controller.count("refused_name") >= 1);
}

TEST_CASE("Debian's snmpinform with anything less is not believed") {
    Target target;
    REQUIRE(target.controller.ready());
    const std::string good = "correct horse battery";

    SECTION("wrong user") {
        CHECK(run_program(target.snmpinform(Target::credentials("mallory", good))).status != 0);
        CHECK(target.controller.count("refused_unknown_user") >= 1);
    }
    SECTION("wrong key") {
        CHECK(run_program(target.snmpinform(Target::credentials("host-a", "incorrect horse")))
                  .status != 0);
        CHECK(target.controller.count("refused_wrong_key") >= 1);
    }
    SECTION("authenticated, not encrypted") {
        CHECK(run_program(target.snmpinform(Target::credentials("host-a", good, "authNoPriv")))
                  .status != 0);
        CHECK(target.controller.count("dropped_security_level") >= 1);
    }
    SECTION("neither authenticated nor encrypted") {
        CHECK(run_program(target.snmpinform({"-u", "host-a", "-l", "noAuthNoPriv"})).status != 0);
        CHECK(target.controller.count("dropped_security_level") >= 1);
    }
    SECTION("a user of ours that is no peer's") {
        CHECK(run_program(target.snmpinform(Target::credentials("reader", good))).status != 0);
        CHECK(target.controller.count("refused_user_not_a_peer") >= 1);
    }
    SECTION("for another engine") {
        auto security = Target::credentials("host-a", good);
        security.insert(security.end(), {"-e", "0x8000000001020304", "-Z", "1,1"});
        CHECK(run_program(target.snmpinform(security)).status != 0);
        CHECK(target.controller.count("dropped_engine") >= 1);
    }
    SECTION("a trap whose authority is our engine") {
        auto security = Target::credentials("host-a", good);
        security.insert(security.end(), {"-e", "0x" + target.controller.engine_id(), "-Z", "1,1"});
        run_program(target.snmpinform(security, "snmptrap"));
        CHECK(eventually([&] { return target.controller.count("datagrams_received") >= 1; }));
        CHECK(target.controller.count("acknowledgements_sent") == 0);
    }
    SECTION("version 2c and version 1") {
        run_program({"snmptrap", "-v", "2c", "-c", "public", "-m", "",
                     "127.0.0.1:" + std::to_string(target.port), "", std::string(root) + ".0.3"});
        run_program({"snmptrap", "-v", "1", "-c", "public", "-m", "",
                     "127.0.0.1:" + std::to_string(target.port), root, "127.0.0.1", "6", "3", "1"});
        CHECK(eventually([&] { return target.controller.count("dropped_version") >= 2; }));
    }
    CHECK(target.delivered() == 0);
    CHECK(target.controller.count("acknowledgements_sent") == 0);
}

TEST_CASE("a captured message sent again changes nothing after a restart of its receiver") {
    Target target;
    REQUIRE(target.controller.ready());
    Relay relay(target.port);
    ChannelDriver agent(program,
                        {"role agent", "name host-a", "state " + target.folder.folder("agent"),
                         "user host-a " + target.key,
                         "peer ctl udp:127.0.0.1:" + std::to_string(relay.port()) + " host-a"});
    agent.tell("confirm ctl VT0001 7");
    REQUIRE_FALSE(agent.wait_for("acknowledged").empty());
    const std::vector<std::string> captured = relay.to_target();
    REQUIRE_FALSE(captured.empty());

    // Inside 150 seconds USM itself takes a replay.
    const UdpSocket attacker;
    const std::uint64_t acknowledged = target.controller.count("acknowledgements_sent");
    attacker.send(captured.back(), target.port);
    CHECK(eventually([&] { return target.controller.count("refused_repeated") == 1; }));
    CHECK(target.delivered() == 1);
    CHECK(target.controller.count("acknowledgements_sent") == acknowledged);

    // Tampered: any bit of it.
    std::string tampered = captured.back();
    tampered[tampered.size() - 3] = static_cast<char>(tampered[tampered.size() - 3] ^ 0x10);
    attacker.send(tampered, target.port);
    CHECK(eventually([&] { return target.controller.count("refused_wrong_key") == 1; }));
    CHECK(target.delivered() == 1);

    // After a restart the boots counter is another one.
    target.controller.end();
    ChannelDriver restarted(program,
                            {"role controller", "name ctl", "state " + target.folder.folder("ctl"),
                             "user host-a " + target.key, "peer host-a udp:127.0.0.1:9 host-a"});
    REQUIRE(restarted.ready());
    CHECK(restarted.engine_id() == target.controller.engine_id());
    attacker.send(captured.back(), restarted.port());
    CHECK(eventually([&] { return restarted.count("refused_time_window") == 1; }));
    CHECK(restarted.count("messages_delivered") == 0);
}

TEST_CASE("garbage, truncations and giants are dropped in front of the parser") {
    Target target;
    REQUIRE(target.controller.ready());
    Relay relay(target.port);
    ChannelDriver agent(program,
                        {"role agent", "name host-a", "state " + target.folder.folder("agent"),
                         "user host-a " + target.key,
                         "peer ctl udp:127.0.0.1:" + std::to_string(relay.port()) + " host-a"});
    agent.tell("confirm ctl VT0001 7");
    REQUIRE_FALSE(agent.wait_for("acknowledged").empty());
    const std::string whole = relay.to_target().back();

    const UdpSocket attacker;
    for (std::size_t length = 0; length < whole.size(); ++length)
        attacker.send(whole.substr(0, length), target.port);
    attacker.send(std::string(20'000, '\x30'), target.port);
    attacker.send("GET / HTTP/1.1\r\n\r\n", target.port);
    const std::uint64_t sent = whole.size() + 2;
    CHECK(eventually([&] { return target.controller.count("datagrams_received") >= sent; }));
    CHECK(target.controller.count("dropped_oversize") == 1);
    CHECK(target.controller.count("dropped_malformed") >= whole.size());
    CHECK(target.delivered() == 1);
}

TEST_CASE("snmpTrapOID.0 as a text of two kilobytes kills nobody and is refused") {
    Target target;
    REQUIRE(target.controller.ready());
    auto argv = target.snmpinform(Target::credentials("host-a", "correct horse battery"));
    argv.push_back("1.3.6.1.6.3.1.1.4.1.0");
    argv.push_back("s");
    argv.push_back(std::string(2'048, 'A'));
    run_program(argv);
    CHECK(target.controller.count("refused_content") >= 1);
    CHECK(target.delivered() == 0);
}

TEST_CASE("twenty thousand messages with random engine IDs do not grow the process") {
    Target target;
    REQUIRE(target.controller.ready());
    // A v3 trap, noAuthNoPriv, of user "mallory" (RFC 3412 6, RFC 3414 2.4).
    const auto wrap = [](char tag, const std::string& content) {
        return std::string(1, tag) + static_cast<char>(content.size()) + content;
    };
    const auto message = [&](std::uint32_t number) {
        std::string engine = from_hex("8000000001");
        for (unsigned shift = 32; shift != 0; shift -= 8)
            engine += static_cast<char>(number >> (shift - 8) & 0xffU);
        const std::string usm = wrap(0x04, engine) + from_hex("020101020101") +
                                wrap(0x04, "mallory") + from_hex("04000400");
        const std::string scoped_pdu = from_hex("04000400a70b0201010201000201003000");
        return wrap(0x30, from_hex("020103300d02010102020578040100020103") +
                              wrap(0x04, wrap(0x30, usm)) + wrap(0x30, scoped_pdu));
    };
    const UdpSocket attacker;
    const auto flood = [&](std::uint32_t first, std::uint32_t count) {
        const std::uint64_t before = target.controller.count("datagrams_received");
        for (std::uint32_t i = 0; i < count; ++i) {
            attacker.send(message(first + i), target.port);
            if (i % 100 == 99) {
                CHECK(eventually(
                    [&] { return target.controller.count("datagrams_received") >= before + i; }));
            }
        }
    };
    flood(0, 1'000);
    const auto before = target.controller.counters();
    CHECK(before.at("dropped_engine") >= 990);
    flood(1'000, 20'000);
    const auto after = target.controller.counters();
    CHECK(after.at("dropped_engine") >= 20'000);
    CHECK(after.at("dropped_malformed") == 0);
    // A sanitizer keeps what was freed for a while.
#if defined(__has_feature)
    constexpr bool keeps_freed = __has_feature(address_sanitizer);
#else
    constexpr bool keeps_freed = false;
#endif
    CHECK(after.at("rss_kb") <= before.at("rss_kb") + (keeps_freed ? 16'000 : 200));
    CHECK(target.delivered() == 0);
}

TEST_CASE("a stranger's address is not even parsed") {
    Target target;
    REQUIRE(target.controller.ready());
    const UdpSocket stranger("127.0.0.77");
    stranger.send("anything", target.port);
    CHECK(eventually([&] { return target.controller.count("dropped_source") == 1; }));
    CHECK(target.controller.count("dropped_malformed") == 0);
}

TEST_CASE("discovery requests are answered at a bounded rate") {
    Target target;
    REQUIRE(target.controller.ready());
    Relay relay(target.port);
    ChannelDriver agent(program,
                        {"role agent", "name host-a", "state " + target.folder.folder("agent"),
                         "user host-a " + target.key,
                         "peer ctl udp:127.0.0.1:" + std::to_string(relay.port()) + " host-a"});
    agent.tell("confirm ctl VT0001 7");
    REQUIRE_FALSE(agent.wait_for("acknowledged").empty());
    const std::string discovery = relay.to_target().front();
    const UdpSocket attacker;
    for (int i = 0; i < 400; ++i)
        attacker.send(discovery, target.port);
    CHECK(eventually([&] { return target.controller.count("dropped_rate") > 100; }));
    CHECK(target.controller.count("discoveries_answered") < 250);
}

TEST_CASE("a flood of discoveries does not keep who has the key from learning our time") {
    Target target;
    REQUIRE(target.controller.ready());
    Relay relay(target.port);
    ChannelDriver agent(program,
                        {"role agent", "name host-a", "state " + target.folder.folder("agent"),
                         "user host-a " + target.key, "attempts 3", "resend 100 200",
                         "peer ctl udp:127.0.0.1:" + std::to_string(relay.port()) + " host-a"});
    agent.tell("confirm ctl VT0001 7");
    REQUIRE_FALSE(agent.wait_for("acknowledged").empty());
    const std::string discovery = relay.to_target().front();
    target.controller.end();
    ChannelDriver restarted(program,
                            {"role controller", "name ctl", "state " + target.folder.folder("ctl"),
                             "user host-a " + target.key, "peer host-a udp:127.0.0.1:9 host-a"});
    REQUIRE(restarted.ready());
    std::atomic<bool> over{false};
    std::thread flood([&] {
        const UdpSocket attacker;
        while (!over) {
            for (int i = 0; i < 10; ++i)
                attacker.send(discovery, restarted.port());
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    });
    CHECK(eventually([&] { return restarted.count("dropped_rate") > 100; }));
    relay.target_port = restarted.port();
    agent.tell("confirm ctl VT0001 8");
    CHECK_FALSE(agent.wait_for("acknowledged").empty());
    over = true;
    flood.join();
    CHECK(restarted.count("refused_time_window") >= 1);
}

TEST_CASE("a Response from another address does not count, nor a forged Report") {
    TemporaryFolder folder;
    const std::string key = folder.file("key", "passphrase correct horse battery\n");
    const UdpSocket silent;  // a peer that never answers
    ChannelDriver agent(program, {"role agent", "name host-a", "state " + folder.folder("agent"),
                                  "user host-a " + key, "attempts 2", "resend 100 200",
                                  "peer ctl udp:127.0.0.1:" + std::to_string(silent.port()) +
                                      " host-a 0x8000000001020304"});
    REQUIRE(agent.ready());
    agent.tell("confirm ctl VT0001 7");
    std::uint16_t from = 0;
    const auto inform = silent.receive(std::chrono::seconds(5), &from);
    REQUIRE(inform);
    const UdpSocket forger;
    forger.send(*inform, from);                 // from another port
    silent.send(from_hex("3003020103"), from);  // from the right one, broken
    CHECK(eventually([&] { return agent.count("answers_unexpected") >= 2; }));
    CHECK(eventually([&] { return agent.count("messages_given_up") == 1; }));
    CHECK(agent.count("messages_acknowledged") == 0);
}

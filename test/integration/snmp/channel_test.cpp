#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "test/integration/snmp/channel_driver.hpp"
#include "test/integration/snmp/datagrams.hpp"
#include "test/support/catch.hpp"

namespace {

constexpr auto program = SNMP_CHANNEL_PROCESS;

// A controller "ctl" and an agent "host-a" that know each other.
struct Pair {
    TemporaryFolder folder;
    std::string key = folder.file("key", "passphrase correct horse battery\n");
    std::string protocols;  // of the user: empty for the usual ones
    std::string here = "udp:127.0.0.1:";

    std::vector<std::string> controller_options(std::uint16_t agent_port,
                                                const std::string& state = "ctl") const {
        return {"role controller",
                "name ctl",
                "state " + folder.folder(state),
                "user host-a " + key + protocols,
                "listen " + here + "0",
                "peer host-a " + here + std::to_string(agent_port) + " host-a"};
    }
    std::vector<std::string> agent_options(std::uint16_t controller_port,
                                           const std::string& state = "agent",
                                           std::uint16_t listen = 0) const {
        return {"role agent",
                "name host-a",
                "state " + folder.folder(state),
                "user host-a " + key + protocols,
                "listen " + here + std::to_string(listen),
                "peer ctl " + here + std::to_string(controller_port) + " host-a"};
    }
    std::vector<std::string> with(std::vector<std::string> options, const std::string& more) const {
        options.push_back(more);
        return options;
    }
};

}  // namespace

TEST_CASE("notices and confirmations go both ways as SNMPv3 informs, acknowledged") {
    const Pair pair;
    // A port that is free now: the agent needs the controller's before the controller knows the
    // agent's.
    const UdpSocket placeholder;
    ChannelDriver agent(program, pair.agent_options(placeholder.port()));
    REQUIRE(agent.ready());
    ChannelDriver controller(program, pair.controller_options(agent.port()));
    REQUIRE(controller.ready());

    controller.tell("notice host-a VT0001 7");
    CHECK(agent.wait_for("message") == "message ctl notice ctl VT0001 1 7 1");
    CHECK_FALSE(controller.wait_for("acknowledged host-a VT0001 7").empty());

    agent.tell("add_peer ctl2 udp:127.0.0.1:" + std::to_string(controller.port()) + " host-a");
    CHECK(agent.wait_for("done") == "done");
    CHECK(controller.count("probes_sent") == 1);
    CHECK(controller.count("messages_acknowledged") == 1);
    CHECK(agent.count("refused_time_window") == 0);
}

TEST_CASE("every protocol of authentication and encryption that may be chosen works, and IPv6") {
    Pair pair;
    pair.protocols = GENERATE(as<std::string>{}, "", " sha384 aes128", " sha512 aes256");
    pair.here = GENERATE(as<std::string>{}, "udp:127.0.0.1:", "udp6:[::1]:");
    INFO(pair.here << pair.protocols);
    const UdpSocket nobody;
    ChannelDriver agent(program, pair.agent_options(nobody.port()));
    if (!agent.ready() && pair.here.starts_with("udp6")) {
        WARN("this machine has no IPv6 on its loopback interface");
        return;
    }
    REQUIRE(agent.ready());
    ChannelDriver controller(program, pair.controller_options(agent.port()));
    REQUIRE(controller.ready());
    controller.tell("notice host-a VT0001 7");
    CHECK(agent.wait_for("message") == "message ctl notice ctl VT0001 1 7 1");
    CHECK_FALSE(controller.wait_for("acknowledged host-a VT0001 7").empty());
}

TEST_CASE("a message encrypted otherwise than agreed changes nothing") {
    Pair pair;
    const UdpSocket nobody;
    ChannelDriver agent(program, pair.agent_options(nobody.port()));
    REQUIRE(agent.ready());
    pair.protocols = GENERATE(as<std::string>{}, " sha256 aes256", " sha512 aes128");
    ChannelDriver controller(program, pair.controller_options(agent.port()));
    REQUIRE(controller.ready());
    controller.tell("notice host-a VT0001 7");
    CHECK(eventually([&] {
        return agent.count("refused_decryption") + agent.count("refused_parse") +
                   agent.count("refused_wrong_key") >=
               1;
    }));
    CHECK(agent.count("messages_delivered") == 0);
}

TEST_CASE("a confirmation reaches the controller in the agent's own name only") {
    const Pair pair;
    const UdpSocket nobody;
    ChannelDriver controller(program, pair.controller_options(nobody.port()));
    ChannelDriver agent(program, pair.agent_options(controller.port()));
    REQUIRE(agent.ready());
    agent.tell("confirm ctl VT0001 7");
    CHECK(controller.wait_for("message") == "message host-a confirmation host-a VT0001 7 1");
    CHECK_FALSE(agent.wait_for("acknowledged ctl VT0001 7").empty());
    agent.tell("started ctl 12");
    CHECK(controller.wait_for("message") == "message host-a started host-a 12");

    agent.tell("confirm ctl VT0002 8 host-b");
    CHECK(eventually([&] { return controller.count("refused_name") >= 1; }));
    agent.tell("notice ctl VT0003 9");
    CHECK(eventually([&] { return controller.count("refused_role") >= 1; }));
    CHECK(controller.count("messages_delivered") == 2);
}

TEST_CASE("a restarted controller counts more boots and its first notice is accepted") {
    const Pair pair;
    const UdpSocket nobody;
    ChannelDriver agent(program, pair.agent_options(nobody.port()));
    unsigned boots = 0;
    std::string engine;
    for (int life = 1; life <= 3; ++life) {
        ChannelDriver controller(program, pair.controller_options(agent.port()));
        REQUIRE(controller.ready());
        CHECK(controller.boots() > boots);
        CHECK((engine.empty() || engine == controller.engine_id()));
        boots = controller.boots();
        engine = controller.engine_id();
        controller.tell("notice host-a VT0001 " + std::to_string(life));
        CHECK(agent.wait_for("message") ==
              "message ctl notice ctl VT0001 1 " + std::to_string(life) + " 1");
        CHECK_FALSE(controller.wait_for("acknowledged").empty());
        // Its engine ID is remembered: only the first life had to ask.
        CHECK(controller.count("probes_sent") == (life == 1 ? 1 : 0));
        controller.kill();
    }
}

TEST_CASE("a notice as v3 trap is taken from an agent's controller whose engine is known") {
    const Pair pair;
    const UdpSocket nobody;
    ChannelDriver agent(program, pair.agent_options(nobody.port()));
    auto options = pair.controller_options(agent.port());
    options.push_back("engine 80001f880501020304");
    options.push_back("delivery trap");
    ChannelDriver controller(program, options);
    controller.tell("notice host-a VT0001 1");
    CHECK(eventually([&] { return agent.count("dropped_engine") >= 1; }));
    agent.end();
    auto knowing = pair.agent_options(nobody.port());
    knowing.back() += " 80001f880501020304";
    ChannelDriver informed(program, knowing);
    auto to_informed = pair.controller_options(informed.port(), "ctl");
    to_informed.push_back("engine 80001f880501020304");
    to_informed.push_back("delivery trap");
    controller.end();
    ChannelDriver again(program, to_informed);
    again.tell("notice host-a VT0001 2");
    CHECK(informed.wait_for("message") == "message ctl notice ctl VT0001 1 2 1");
    CHECK(informed.count("acknowledgements_sent") == 0);
}

TEST_CASE("a captured trap is taken by who has started again, until its engine has told the time") {
    const Pair pair;
    Relay relay(0);
    auto options = pair.controller_options(relay.port());
    options.push_back("engine 80001f880501020304");
    options.push_back("delivery trap");
    auto controller = std::make_unique<ChannelDriver>(program, options);
    const auto knowing = [&] {
        auto all = pair.agent_options(controller->port());
        all.back() += " 80001f880501020304";
        return all;
    };
    auto agent = std::make_unique<ChannelDriver>(program, knowing());
    relay.target_port = agent->port();
    controller->tell("notice host-a VT0001 1");
    REQUIRE_FALSE(agent->wait_for("message").empty());
    const std::string captured = relay.to_target().front();
    agent->end();
    controller->end();
    relay.drop_to_target = true;
    controller = std::make_unique<ChannelDriver>(program, options);  // counts one start more
    agent = std::make_unique<ChannelDriver>(program, knowing());

    const UdpSocket attacker;
    attacker.send(captured, agent->port());
    CHECK_FALSE(agent->wait_for("message").empty());
    agent->tell("confirm ctl VT0001 1");
    REQUIRE_FALSE(agent->wait_for("acknowledged").empty());
    attacker.send(captured, agent->port());
    CHECK(eventually([&] { return agent->count("refused_time_window") == 1; }));
    CHECK(agent->count("messages_delivered") == 1);
}

TEST_CASE("a restarted receiver is spoken to again within one resend") {
    const Pair pair;
    const UdpSocket nobody;
    auto first = std::make_unique<ChannelDriver>(program, pair.agent_options(nobody.port()));
    Relay relay(first->port());
    ChannelDriver controller(program, pair.controller_options(relay.port()));
    controller.tell("notice host-a VT0001 1");
    REQUIRE_FALSE(controller.wait_for("acknowledged").empty());
    first->kill();
    ChannelDriver second(program, pair.agent_options(nobody.port()));
    relay.target_port = second.port();
    const std::size_t before = relay.to_target().size();
    controller.tell("notice host-a VT0001 2");
    CHECK(second.wait_for("message", 1'000) == "message ctl notice ctl VT0001 1 2 1");
    CHECK_FALSE(controller.wait_for("acknowledged", 1'000).empty());
    CHECK(relay.to_target().size() - before == 2);
}

TEST_CASE(
    "an agent whose state was wiped is believed after it answered with its key, and that is told") {
    const Pair pair;
    const UdpSocket nobody;
    auto first = std::make_unique<ChannelDriver>(program, pair.agent_options(nobody.port()));
    Relay relay(first->port());
    ChannelDriver controller(program, pair.controller_options(relay.port()));
    controller.tell("notice host-a VT0001 1");
    REQUIRE_FALSE(controller.wait_for("acknowledged").empty());
    first->kill();
    ChannelDriver wiped(program, pair.agent_options(nobody.port(), "wiped"));
    relay.target_port = wiped.port();
    controller.tell("notice host-a VT0001 2");
    CHECK(wiped.wait_for("message", 2'000) == "message ctl notice ctl VT0001 1 2 1");
    CHECK_THAT(controller.wait_for("event 1"), ContainsSubstring("engine ID changed"));
    CHECK(controller.count("peer_engine_changes") == 1);
}

TEST_CASE("another engine in the place of one that is fixed in the configuration is refused") {
    const Pair pair;
    const UdpSocket nobody;
    ChannelDriver agent(program, pair.agent_options(nobody.port()));
    auto options = pair.controller_options(agent.port());
    options.back() += " 8000000001020304";
    options.insert(options.end(), {"attempts 2", "resend 50 100"});
    ChannelDriver controller(program, options);
    controller.tell("notice host-a VT0001 1");
    CHECK_THAT(controller.wait_for("event 2"), ContainsSubstring("another engine answers"));
    CHECK(eventually([&] { return controller.count("messages_given_up") == 1; }));
    CHECK(agent.count("messages_delivered") == 0);
}

TEST_CASE("lost datagrams are sent again, and an answer to an earlier transmission counts") {
    const Pair pair;
    const UdpSocket nobody;
    ChannelDriver agent(program, pair.agent_options(nobody.port()));
    Relay relay(agent.port());
    auto options = pair.controller_options(relay.port());
    options.push_back("resend 200 400");
    ChannelDriver controller(program, options);
    controller.tell("notice host-a VT0001 1");
    REQUIRE_FALSE(controller.wait_for("acknowledged").empty());

    relay.drop_from_target = true;
    const std::size_t answers = relay.from_target().size();
    controller.tell("notice host-a VT0001 2");
    REQUIRE(eventually([&] { return relay.from_target().size() > answers; }));
    relay.drop_from_target = false;
    CHECK_FALSE(controller.wait_for("acknowledged host-a VT0001 2").empty());
    CHECK(controller.count("messages_resent") >= 1);

    relay.delay_from_target_ms = 300;  // longer than the first resend
    controller.tell("notice host-a VT0001 3");
    CHECK_FALSE(controller.wait_for("acknowledged host-a VT0001 3").empty());
    CHECK(controller.count("answers_late") >= 1);
}

TEST_CASE("a newer notice takes the place of an older one, and a stopped one is not sent again") {
    const Pair pair;
    const UdpSocket silent;
    auto options = pair.controller_options(silent.port());
    options.insert(options.end(), {"resend 50 100", "attempts 50"});
    ChannelDriver controller(program, options);
    controller.tell("notice host-a VT0001 1");
    controller.tell("notice host-a VT0001 2");
    CHECK(controller.count("messages_superseded") == 1);
    CHECK(silent.receive(std::chrono::seconds(2)));
    controller.tell("stop host-a VT0001");
    controller.tell("peers");
    CHECK_THAT(controller.wait_for("peer host-a"), ContainsSubstring("silent 0"));
}

TEST_CASE("of 64 agents the dead tenth delays nobody") {
    constexpr unsigned agents = 64;
    const Pair pair;
    const UdpSocket nobody;
    std::vector<std::unique_ptr<UdpSocket>> dead;
    std::vector<std::unique_ptr<ChannelDriver>> alive;
    std::vector<std::string> options{"role controller", "name ctl",
                                     "state " + pair.folder.folder("ctl"), "attempts 20"};
    for (unsigned i = 0; i < agents; ++i) {
        const std::string name = "host-" + std::to_string(i);
        std::uint16_t port = 0;
        if (i % 10 == 9) {
            dead.push_back(std::make_unique<UdpSocket>());
            port = dead.back()->port();
        } else {
            alive.push_back(std::make_unique<ChannelDriver>(
                program,
                std::vector<std::string>{
                    "role agent", "name " + name, "state " + pair.folder.folder(name),
                    "user " + name + " " + pair.key,
                    "peer ctl udp:127.0.0.1:" + std::to_string(nobody.port()) + " " + name}));
            REQUIRE(alive.back()->ready());
            port = alive.back()->port();
        }
        options.push_back("user " + name + " " + pair.key);
        options.push_back("peer " + name + " udp:127.0.0.1:" + std::to_string(port) + " " + name);
    }
    ChannelDriver controller(program, options);
    REQUIRE(controller.ready());
    for (int round = 1; round <= 2; ++round) {
        for (unsigned i = 0; i < agents; ++i) {
            controller.tell("notice host-" + std::to_string(i) + " VT0001 " +
                            std::to_string(round));
        }
        for (std::size_t i = 0; i < alive.size(); ++i)
            CHECK_FALSE(controller.wait_for("acknowledged").empty());
        const auto counters = controller.counters();
        CHECK(counters.at("messages_acknowledged") ==
              alive.size() * static_cast<std::size_t>(round));
        CHECK(counters.at("messages_given_up") == 0);
    }
    // Learnt in one go, and kept without a sync for each.
    CHECK(eventually([&] {
        std::ifstream kept(pair.folder.path("ctl/snmp-peers"));
        const auto lines = std::count(std::istreambuf_iterator<char>(kept), {}, '\n');
        return static_cast<std::size_t>(lines) == alive.size();
    }));
}

TEST_CASE("dead agents with many changes each hold up nobody") {
    constexpr unsigned dead_agents = 8;
    constexpr unsigned drives = 16;
    const Pair pair;
    const UdpSocket nobody;
    ChannelDriver agent(program, pair.agent_options(nobody.port()));
    REQUIRE(agent.ready());
    // Room for four messages that wait for an answer.
    auto options = pair.with(pair.controller_options(agent.port()), "window 4");
    std::vector<std::unique_ptr<UdpSocket>> dead;
    for (unsigned i = 0; i < dead_agents; ++i) {
        dead.push_back(std::make_unique<UdpSocket>());
        options.push_back("peer dead-" + std::to_string(i) + " " + pair.here +
                          std::to_string(dead.back()->port()) + " host-a 0x800000000102030" +
                          std::to_string(i));
    }
    ChannelDriver controller(program, options);
    REQUIRE(controller.ready());
    for (unsigned drive = 0; drive < drives; ++drive) {
        for (unsigned i = 0; i < dead_agents; ++i) {
            controller.tell("notice dead-" + std::to_string(i) + " VT" + std::to_string(drive) +
                            " 1");
        }
    }
    controller.tell("notice host-a VT0001 1");
    // A place for each message would be 128 times 50 ms for four places: 1.6 s.
    CHECK(controller.wait_for("acknowledged host-a VT0001 1", 1'000) ==
          "acknowledged host-a VT0001 1");
    // And each of theirs is sent all the same.
    CHECK(
        eventually([&] { return controller.count("messages_sent") == dead_agents * drives + 1; }));
}

namespace {

// A node "ctl" of a pair of controllers whose voting agent is "host-a", and whose other node is
// "ctl2": both have users of their own.
std::vector<std::string> node_options(const Pair& pair, std::uint16_t agent_port,
                                      std::uint16_t peer_port) {
    auto options = pair.controller_options(agent_port);
    options.back() = "pair_peer host-a udp:127.0.0.1:" + std::to_string(agent_port) + " host-a";
    options.push_back("user nodes " + pair.folder.file("nodes", "passphrase both of the nodes\n"));
    options.push_back("pair_peer ctl2 udp:127.0.0.1:" + std::to_string(peer_port) + " nodes only");
    return options;
}

}  // namespace

TEST_CASE("a line of the pair goes to a member that may say such, and to nobody else") {
    const Pair pair;
    const UdpSocket placeholder;
    const UdpSocket nobody;
    auto options = pair.agent_options(placeholder.port());
    options.back() =
        "pair_peer ctl udp:127.0.0.1:" + std::to_string(placeholder.port()) + " host-a";
    ChannelDriver agent(program, options);
    REQUIRE(agent.ready());
    ChannelDriver node(program, node_options(pair, agent.port(), nobody.port()));
    REQUIRE(node.ready());
    node.tell("line host-a hello");
    CHECK(agent.wait_for("line") == "line ctl hello");
    CHECK(node.wait_for("taken") == "taken host-a hello");
    // What its hearer does not take is not acknowledged, and not said longer than it is of use.
    node.tell("line host-a refuse");
    CHECK(agent.wait_for("line ctl refuse") == "line ctl refuse");
    CHECK(agent.wait_for("line ctl refuse") == "line ctl refuse");
    CHECK(agent.count("refused_content") == 2);
    // Its notices go the same way as ever.
    node.tell("notice host-a VT0001 7");
    CHECK(agent.wait_for("message") == "message ctl notice ctl VT0001 1 7 1");
}

TEST_CASE("the other node's user may say lines and nothing else, an agent's not in its name") {
    const Pair pair;
    const UdpSocket agents_place;
    const UdpSocket peers_place;
    ChannelDriver node(program, node_options(pair, agents_place.port(), peers_place.port()));
    REQUIRE(node.ready());
    const std::string address = "udp:127.0.0.1:" + std::to_string(node.port());
    const std::string nodes_key = pair.folder.file("nodes2", "passphrase both of the nodes\n");

    SECTION("the other node says a line") {
        ChannelDriver other(
            program, {"role controller", "name ctl2", "state " + pair.folder.folder("other"),
                      "user nodes " + nodes_key, "pair_peer ctl " + address + " nodes only"});
        REQUIRE(other.ready());
        other.tell("line ctl hello");
        CHECK(node.wait_for("line") == "line ctl2 hello");
        CHECK(other.wait_for("taken") == "taken ctl hello");
        // A presence or a confirmation is not for it to say.
        other.tell("started ctl 1");
        other.tell("line ctl again");
        CHECK(node.wait_for("line") == "line ctl2 again");
        CHECK(node.count("refused_name") >= 1);
        CHECK(node.count("messages_delivered") == 2);
    }
    SECTION("an agent in the other node's name, and one with a wrong key") {
        for (const auto* key :
             {"passphrase correct horse battery\n", "passphrase a guess of it\n"}) {
            const std::string tried = pair.folder.file("tried", key);
            ChannelDriver stranger(
                program, {"role agent", "name ctl2", "state " + pair.folder.folder("stranger"),
                          "user host-a " + tried, "pair_peer ctl " + address + " host-a"});
            REQUIRE(stranger.ready());
            stranger.tell("line ctl hello");
            const bool right_key = std::string(key).find("correct") != std::string::npos;
            const std::string count = right_key ? "refused_name" : "refused_wrong_key";
            for (int looks = 0; looks < 200 && node.count(count) == 0; ++looks) {
            }
            CHECK(node.count(count) >= 1);
        }
        CHECK(node.count("messages_delivered") == 0);
    }
}

TEST_CASE("messages that arrived together are one turn, and acknowledged when it is recorded") {
    const Pair pair;
    const UdpSocket nobody;
    ChannelDriver controller(program,
                             pair.with(pair.controller_options(nobody.port()), "turns recorded"));
    REQUIRE(controller.ready());
    ChannelDriver agent(program, pair.agent_options(controller.port()));
    REQUIRE(agent.ready());
    agent.tell("confirm ctl VT0000 1");
    CHECK(controller.wait_for("turn") == "turn of 1");
    CHECK_FALSE(agent.wait_for("acknowledged").empty());

    REQUIRE(::kill(controller.pid(), SIGSTOP) == 0);
    const std::uint64_t sent = agent.count("messages_sent");
    for (int drive = 1; drive <= 10; ++drive)
        agent.tell("confirm ctl VT00" + std::to_string(10 + drive) + " 1");
    CHECK(eventually([&] { return agent.count("messages_sent") == sent + 10; }));
    REQUIRE(::kill(controller.pid(), SIGCONT) == 0);
    const std::string turn = controller.wait_for("turn");
    CHECK(turn.starts_with("turn of "));
    CHECK(std::stoi(turn.substr(turn.rfind(' '))) >= 10);  // and what was sent again meanwhile
    for (int drive = 1; drive <= 10; ++drive)
        CHECK_FALSE(agent.wait_for("acknowledged").empty());
}

TEST_CASE("what could not be recorded is not acknowledged") {
    const Pair pair;
    const UdpSocket nobody;
    ChannelDriver controller(program,
                             pair.with(pair.controller_options(nobody.port()), "turns failed"));
    REQUIRE(controller.ready());
    ChannelDriver agent(program, pair.agent_options(controller.port()));
    REQUIRE(agent.ready());
    agent.tell("confirm ctl VT0000 1");
    CHECK(controller.wait_for("turn") == "turn of 1");
    CHECK(controller.wait_for("turn") == "turn of 1");  // sent again
    CHECK(agent.wait_for("acknowledged", 200).empty());
    CHECK(controller.count("acknowledgements_sent") == 0);
}

#include "agent/runtime/pair_configuration.hpp"

#include "agent/runtime/dsad_configuration.hpp"
#include "agent/runtime/lrad_configuration.hpp"
#include "sample_configurations.hpp"
#include "test/support/catch.hpp"

namespace core = agent::core;
namespace pair = agent::pair;
using nlohmann::json;

namespace {

json node_sample() {
    json lrad = sample_lrad();
    lrad["agents"].push_back(
        {{"name", "host3"}, {"address", "udp:127.0.0.1:1165"}, {"user", "host3"}});
    for (const auto* user : {"host3", "nodes", "traps"})
        lrad["snmp"]["users"].push_back(sample_user(user));
    lrad["snmp"]["consumers"][0]["user"] = "traps";
    lrad["pair"] = json::parse(R"({
      "node": "second", "cluster": "library-1", "voters": ["host1", "host2", "host3"],
      "peer": {"name": "lra-b", "addresses": ["udp:192.0.2.12:1162", "udp:198.51.100.12:1162"], "user": "nodes"},
      "database": {"listen": ["192.0.2.11"], "peer_address": "192.0.2.12", "password_file": "key"}})");
    return lrad;
}

json voter_sample() {
    json dsad = sample_dsad();
    dsad["controllers"].push_back(
        {{"name", "lra-b"}, {"address", "udp:127.0.0.1:1262"}, {"user", "host1"}});
    dsad["snmp"]["users"].push_back(sample_user("voters"));
    dsad["pair"] = json::parse(R"({"cluster": "library-1", "first": "lra-a", "second": "lra-b",
      "agents": [{"name": "host2", "address": "udp:127.0.0.1:1164", "user": "voters"}]})");
    return dsad;
}

struct PairPlace {
    TemporaryFolder folder;
    PairPlace() { folder.write("key", "correct horse\n"); }

    // What is wrong with it, without file and line; empty: nothing.
    std::string wrong_with_node(const json& content) const {
        return joined(
            agent::runtime::read_lrad_configuration(folder.write("lrad.json", content.dump(1)))
                .errors);
    }
    std::string wrong_with_voter(const json& content) const {
        return joined(
            agent::runtime::read_dsad_configuration(folder.write("dsad.json", content.dump(1)))
                .errors);
    }
    static std::string joined(const agent::runtime::ConfigurationErrors& errors) {
        std::string text;
        for (const auto& line : errors)
            text += line.substr(line.find(": ") + 2) + "\n";
        return text;
    }
    static bool says(const std::string& text, const std::string& part) {
        INFO(text);
        return text.find(part) != std::string::npos;
    }
};

}  // namespace

TEST_CASE("the section pair of a node arrives, with half of the voters as the threshold") {
    const PairPlace place;
    const auto read = agent::runtime::read_lrad_configuration(
        place.folder.write("lrad.json", node_sample().dump(1)));
    INFO(PairPlace::joined(read.errors));
    REQUIRE(read.ok());
    const auto& node = *read.value->pair;
    CHECK(node.node.node == pair::Node::second);
    CHECK(node.node.cluster == "library-1");
    CHECK(node.node.threshold == 1);
    CHECK(node.peer.addresses.size() == 2);
    CHECK(node.times == pair::NodeTimes{});
    CHECK(node.database.peer_address == "192.0.2.12");
}

TEST_CASE("a pair with a database of the site names its servers, and has none of its own") {
    const PairPlace place;
    auto lrad = node_sample();
    lrad["pair"]["database"] =
        json::parse(R"({"mode": "external", "servers": ["host=db1 dbname=lra", "host=db2"]})");
    const auto read =
        agent::runtime::read_lrad_configuration(place.folder.write("lrad.json", lrad.dump(1)));
    INFO(PairPlace::joined(read.errors));
    REQUIRE(read.ok());
    const auto& database = read.value->pair->database;
    CHECK(database.mode == agent::runtime::PairDatabaseConfiguration::Mode::external);
    CHECK(database.servers == std::vector<std::string>{"host=db1 dbname=lra", "host=db2"});

    lrad["pair"]["database"].erase("servers");
    CHECK(PairPlace::says(place.wrong_with_node(lrad), "is missing; mode external needs it"));
    auto own = node_sample();
    own["pair"]["database"]["servers"] = {"host=db1"};
    CHECK(PairPlace::says(place.wrong_with_node(own), "has no meaning with mode pair"));
}

TEST_CASE("a threshold that lets two nodes serve is refused, and one that is never exceeded") {
    const PairPlace place;
    auto low = node_sample();
    low["pair"]["threshold"] = 0;
    CHECK(PairPlace::says(place.wrong_with_node(low),
                          "pair.threshold: a threshold of 0 for 3 agents lets both nodes serve"));
    auto high = node_sample();
    high["pair"]["threshold"] = 3;
    CHECK(PairPlace::says(place.wrong_with_node(high), "is never exceeded by 3 agents"));
}

TEST_CASE("voters are agents with a user of their own") {
    const PairPlace place;
    auto unknown = node_sample();
    unknown["pair"]["voters"][0] = "host9";
    CHECK(PairPlace::says(place.wrong_with_node(unknown), "is not one of agents[].name"));
    auto shared = node_sample();
    shared["agents"][2]["user"] = "host1";
    CHECK(PairPlace::says(place.wrong_with_node(shared), "give each voter a user of its own"));
    auto nodes = node_sample();
    nodes["agents"][2]["user"] = "nodes";
    CHECK(PairPlace::says(place.wrong_with_node(nodes), "pair.peer.user"));
    auto itself = node_sample();
    itself["pair"]["peer"]["name"] = "lra-a";
    CHECK(PairPlace::says(place.wrong_with_node(itself), "pair.peer.name"));
}

TEST_CASE("a pair has hosts without an agent, and none of them votes") {
    const PairPlace place;
    auto played = node_sample();
    played["agents"].push_back(sample_agent_over_ssh());
    CHECK(place.wrong_with_node(played).find("backup3") == std::string::npos);
    played["pair"]["voters"][0] = "backup3";
    CHECK(PairPlace::says(place.wrong_with_node(played), "only dsad votes"));
}

TEST_CASE("nobody else has the key of a node or of a voter") {
    const PairPlace place;
    auto writer = node_sample();
    writer["snmp"]["mib_writers"] = json::array({"nodes"});
    CHECK(PairPlace::says(place.wrong_with_node(writer), "snmp.mib_writers[0]"));
    auto consumer = node_sample();
    consumer["snmp"]["consumers"] =
        json::array({{{"address", "udp:192.0.2.50:162"}, {"version", "3"}, {"user", "host3"}}});
    CHECK(PairPlace::says(place.wrong_with_node(consumer), "could talk or vote in their name"));
    auto third = voter_sample();
    third["controllers"].push_back(
        {{"name", "lra-z"}, {"address", "udp:127.0.0.1:1362"}, {"user", "host1"}});
    CHECK(PairPlace::says(place.wrong_with_voter(third), "lra-z is none of them"));
}

TEST_CASE("times whose lease could outlast the other's patience are refused") {
    const PairPlace place;
    auto times = node_sample();
    times["pair"]["times"] = {{"lease_ms", 9'000}};
    CHECK(PairPlace::says(place.wrong_with_node(times), "pair.times"));
}

TEST_CASE("a voter knows both nodes, and no controller has the other agents' user") {
    const PairPlace place;
    CHECK(place.wrong_with_voter(voter_sample()).empty());
    auto stranger = voter_sample();
    stranger["pair"]["second"] = "lra-c";
    CHECK(PairPlace::says(place.wrong_with_voter(stranger), "is not one of controllers[].name"));
    auto same = voter_sample();
    same["pair"]["second"] = "lra-a";
    CHECK(PairPlace::says(place.wrong_with_voter(same), "is the first node already"));
    auto user = voter_sample();
    user["pair"]["agents"][0]["user"] = "host1";
    CHECK(PairPlace::says(place.wrong_with_voter(user), "could talk in a node's name"));
    auto itself = voter_sample();
    itself["pair"]["agents"][0]["name"] = "host1";
    CHECK(PairPlace::says(place.wrong_with_voter(itself), "is this agent itself"));
}

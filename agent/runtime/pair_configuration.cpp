#include "agent/runtime/pair_configuration.hpp"

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "agent/runtime/dsad_configuration.hpp"
#include "agent/runtime/lrad_configuration.hpp"
#include "agent/runtime/shared_shapes.hpp"
#include "agent/runtime/snmp_configuration.hpp"

namespace agent::runtime {

using nlohmann::json;

namespace {

ValueShape pair_times_shape() {
    return object_shape({
        default_key("heartbeat_ms", integer_shape(100, 10'000), "1000",
                    "How often a node says that it serves."),
        default_key("suspect_after_ms", integer_shape(200, 60'000), "3000",
                    "A node that was not heard for so long is shown as silent."),
        default_key("lease_ms", integer_shape(300, 60'000), "6000",
                    "How long a node goes on serving when neither the other one nor enough agents "
                    "answer."),
        default_key("dead_after_ms", integer_shape(400, 120'000), "10000",
                    "After so long without a word the other node may be replaced; a third more "
                    "than lease_ms, and the same in every agent's dsad.json."),
        default_key("peer_wait_ms", integer_shape(1'000, 3'600'000), "30000",
                    "After a start: how long the other node may take to come back before the "
                    "agents are asked whether this one may serve alone."),
        default_key("retry_ms", integer_shape(500, 600'000), "5000",
                    "How long after a failure it is tried again."),
        default_key("vote_timeout_ms", integer_shape(200, 60'000), "3000",
                    "How long the agents' answers to a ballot are waited for, in each round."),
        default_key("key_timeout_ms", integer_shape(500, 60'000), "5000",
                    "How long the agents may take to store a shutdown key."),
        default_key("expedite_timeout_ms", integer_shape(1'000, 86'400'000), "300000",
                    "How long a shutdown with --mode expedite waits for running mounts."),
        default_key("stop_timeout_ms", integer_shape(0, 600'000), "30000",
                    "When lrad is stopped and the other node is heard: how long it may take to "
                    "hand over to it before it stops; less than the service manager's patience "
                    "(TimeoutStopSec of lrad.service, 60 s). 0: stops without that."),
    });
}

ValueShape pair_address_shape() {
    return text_shape("udp:HOST:PORT", wrong_with_udp_address);
}

ValueShape node_pair_shape() {
    return object_shape({
        required_key("node", choice_shape({"first", "second"}), "Which of the two this one is.",
                     "\"first\""),
        required_key("cluster", name_shape(), "Name of the pair; the same everywhere.",
                     "\"library-1\""),
        required_key(
            "peer",
            object_shape({
                required_key("name", name_shape(), "controller.id of the other node.", "\"lra-b\""),
                required_key("addresses", list_shape(pair_address_shape(), 1, 4),
                             "Where the other node listens (its snmp.listen), one for each "
                             "network between them; what comes on any of them counts.",
                             "[\"udp:192.0.2.11:1162\"]"),
                required_key("user", text_shape(32),
                             "Security name that the two nodes talk to each other with, one of "
                             "snmp.users; no agent has it.",
                             "\"nodes\""),
            }),
            "The other node.",
            "{\"name\": \"lra-b\", \"addresses\": [\"udp:192.0.2.11:1162\"], \"user\": \"nodes\"}"),
        required_key("voters", list_shape(name_shape(), 1, pair::voters_max),
                     "The agents that vote, of agents[].name; none on a controller's host. Three "
                     "or five are sensible.",
                     "[\"host-a\", \"host-b\", \"host-c\"]"),
        optional_key("threshold", integer_shape(0, pair::voters_max),
                     "More than so many agents decide; half of them, rounded down, when missing, "
                     "and never less.",
                     "1"),
        default_key("times", pair_times_shape(), "{}", "How long things may take."),
        pair_database_key(),
    });
}

ValueShape voter_pair_shape() {
    return object_shape({
        required_key("cluster", name_shape(), "Name of the pair; the same everywhere.",
                     "\"library-1\""),
        required_key("first", name_shape(), "The first node, of controllers[].name.", "\"lra-a\""),
        required_key("second", name_shape(), "The second node, of controllers[].name.",
                     "\"lra-b\""),
        default_key(
            "agents",
            list_shape(object_shape({
                           required_key("name", name_shape(), "Its agent.name.", "\"host-b\""),
                           required_key("address", pair_address_shape(), "Its snmp.listen.",
                                        "\"udp:192.0.2.22:1162\""),
                           required_key("user", text_shape(32),
                                        "Security name that these two agents talk to each other "
                                        "with, one of snmp.users; no controller has it.",
                                        "\"voters\""),
                       }),
                       0, pair::voters_max - 1),
            "[]",
            "The other agents that vote: each counts the others' votes, and carries a shutdown "
            "command to all of them."),
        default_key("dead_after_ms", integer_shape(400, 120'000), "10000",
                    "As pair.times.dead_after_ms of the controllers."),
    });
}

class PairReading {
  public:
    PairReading(const Configuration& source, ConfigurationErrors& errors)
        : source_(source), errors_(errors), values_(source.values()["pair"]) {}

    NodePairConfiguration read_node(const LradConfiguration& known) {
        NodePairConfiguration pair;
        pair.node.node = *pair::node_from_text(values_["node"].get_ref<const std::string&>());
        pair.node.cluster = values_["cluster"].get<std::string>();
        pair.node.voters = values_["voters"].get<std::vector<std::string>>();
        pair.node.threshold =
            values_.value("threshold", pair::least_threshold(pair.node.voters.size()));
        if (const auto fault = pair::fault_of(pair.node)) wrong("threshold", *fault);
        read_times(pair.times);
        const json& peer = values_["peer"];
        pair.peer.name = peer["name"].get<std::string>();
        pair.peer.user = peer["user"].get<std::string>();
        const json& addresses = peer["addresses"];
        for (std::size_t i = 0; i < addresses.size(); ++i) {
            pair.peer.addresses.push_back(
                address_at("peer.addresses[" + std::to_string(i) + "]", addresses[i]));
        }
        check_snmp_user(source_, known.snmp, "pair.peer.user", pair.peer.user, errors_);
        if (pair.peer.name == known.sharing.controller)
            wrong("peer.name", "is this controller's own controller.id; name the other node");
        check_voters(pair, known);
        pair.database =
            pair_database_configuration(source_, values_["database"], "pair.database", errors_);
        if (known.mounts && !known.mounts->database.empty()) {
            errors_.push_back(source_.error_at(
                "mounts.database",
                "has no meaning with pair.database, which holds the drive table; remove it"));
        }
        if (known.mounts && known.mounts->node != known.sharing.controller) {
            errors_.push_back(
                source_.error_at("mounts.node", "must be controller.id in a pair; remove it"));
        }
        return pair;
    }

    VoterPairConfiguration read_voter(const DsadConfiguration& known) {
        VoterPairConfiguration pair;
        pair.cluster = values_["cluster"].get<std::string>();
        pair.dead_after = {values_["dead_after_ms"].get<std::int64_t>()};
        std::set<std::string> controllers_users;
        for (const auto& controller : known.controllers)
            controllers_users.insert(controller.user);
        for (const auto& [key, node] :
             {std::pair{"first", pair::Node::first}, {"second", pair::Node::second}}) {
            auto& name = pair.nodes.at(pair::index_of(node));
            name = values_[key].get<std::string>();
            const auto& names = known.host.controllers;
            if (std::find(names.begin(), names.end(), name) == names.end())
                wrong(key, "\"" + name + "\" is not one of controllers[].name");
        }
        if (pair.nodes[0] == pair.nodes[1]) wrong("second", "is the first node already");
        check_other_controllers(pair, known);
        std::set<std::string> seen{known.host.agent};
        const json& agents = values_["agents"];
        for (std::size_t i = 0; i < agents.size(); ++i) {
            const std::string path = "agents[" + std::to_string(i) + "]";
            PairMember agent{agents[i]["name"].get<std::string>(),
                             {address_at(path + ".address", agents[i]["address"])},
                             agents[i]["user"].get<std::string>()};
            if (!seen.insert(agent.name).second)
                wrong(path + ".name", "stands twice, or is this agent itself");
            check_snmp_user(source_, known.snmp, "pair." + path + ".user", agent.user, errors_);
            if (controllers_users.contains(agent.user)) {
                wrong(path + ".user",
                      "is a controller's too: an agent that knows it could talk in a node's "
                      "name; give the agents a user of their own");
            }
            pair.agents.push_back(std::move(agent));
        }
        return pair;
    }

  private:
    void wrong(const std::string& key, const std::string& words) {
        errors_.push_back(source_.error_at("pair." + key, words));
    }

    void check_other_controllers(const VoterPairConfiguration& pair,
                                 const DsadConfiguration& known) {
        const auto is_node = [&](const std::string& name) {
            return name == pair.nodes[0] || name == pair.nodes[1];
        };
        std::set<std::string> users;
        for (const auto& controller : known.controllers) {
            if (is_node(controller.name)) users.insert(controller.user);
        }
        for (std::size_t i = 0; i < known.controllers.size(); ++i) {
            const auto& controller = known.controllers[i];
            if (is_node(controller.name) || !users.contains(controller.user)) continue;
            errors_.push_back(source_.error_at(
                "controllers[" + std::to_string(i) + "].user",
                "is the user of the pair's nodes, and " + controller.name +
                    " is none of them: it could talk in their name; give it another"));
        }
    }

    AddressText address_at(const std::string& path, const json& value) {
        auto address = *address_from_text(value.get_ref<const std::string&>());
        if (address.port == 0) wrong(path, "port 0 can not be sent to; name the port");
        return address;
    }

    void read_times(pair::NodeTimes& times) {
        const json& values = values_["times"];
        const auto time = [&](const char* key) {
            return core::Duration{values[key].get<std::int64_t>()};
        };
        times.heartbeat = time("heartbeat_ms");
        times.suspect_after = time("suspect_after_ms");
        times.lease = time("lease_ms");
        times.dead_after = time("dead_after_ms");
        times.peer_wait = time("peer_wait_ms");
        times.retry = time("retry_ms");
        times.vote_timeout = time("vote_timeout_ms");
        times.key_timeout = time("key_timeout_ms");
        times.expedite_timeout = time("expedite_timeout_ms");
        times.stop_timeout = time("stop_timeout_ms");
        if (const auto fault = pair::fault_of(times)) wrong("times", *fault);
    }

    // Who knows a voter's key can vote in its name: nobody else may have it.
    void check_voters(const NodePairConfiguration& pair, const LradConfiguration& known) {
        std::set<std::string> users{pair.peer.user};
        std::set<std::string> seen;
        for (std::size_t i = 0; i < pair.node.voters.size(); ++i) {
            const std::string path = "voters[" + std::to_string(i) + "]";
            const auto& name = pair.node.voters[i];
            if (!seen.insert(name).second) wrong(path, "stands twice");
            const auto agent = std::find_if(known.agents.begin(), known.agents.end(),
                                            [&](const auto& one) { return one.name == name; });
            if (agent == known.agents.end()) {
                wrong(path, "\"" + name + "\" is not one of agents[].name");
            } else if (agent->agentless) {
                wrong(path, "\"" + name +
                                "\" is a host without an agent (agents[].ssh), and only dsad "
                                "votes: name agents that run dsad");
            } else if (!users.insert(agent->user).second) {
                wrong(path, "its user \"" + agent->user +
                                "\" is another voter's, or the other node's; give each voter a "
                                "user of its own");
            }
        }
        for (const auto& agent : known.agents) {
            if (!agent.agentless && agent.user == pair.peer.user)
                wrong("peer.user", "is agent " + agent.name + "'s too; give the nodes their own");
        }
        check_strangers(users, known.snmp);
    }

    // Management stations and tape libraries have keys of their own.
    void check_strangers(const std::set<std::string>& users, const SnmpConfiguration& snmp) {
        const auto check = [&](const std::string& user, const std::string& key) {
            if (user.empty() || !users.contains(user)) return;
            errors_.push_back(source_.error_at(
                key, "\"" + user +
                         "\" is the other node's or a voter's: whoever has its key could talk or "
                         "vote in their name; give it a user of its own"));
        };
        for (std::size_t i = 0; i < snmp.mib_writers.size(); ++i)
            check(snmp.mib_writers[i], "snmp.mib_writers[" + std::to_string(i) + "]");
        for (std::size_t i = 0; i < snmp.consumers.size(); ++i)
            check(snmp.consumers[i].user, "snmp.consumers[" + std::to_string(i) + "].user");
        for (std::size_t i = 0; i < snmp.hints.size(); ++i)
            check(snmp.hints[i].user, "snmp.hints[" + std::to_string(i) + "].user");
    }

    const Configuration& source_;
    ConfigurationErrors& errors_;
    const json& values_;
};

}  // namespace

ConfigurationKey node_pair_key() {
    return optional_key(
        "pair", node_pair_shape(),
        "Two controllers that serve the library together; without it this one serves it alone.",
        "{\"node\": \"first\", \"cluster\": \"library-1\", \"peer\": {\"name\": \"lra-b\", "
        "\"addresses\": [\"udp:192.0.2.12:1162\"], \"user\": \"nodes\"}, \"voters\": "
        "[\"host-a\"], \"database\": {\"listen\": [\"192.0.2.11\"], \"peer_address\": "
        "\"192.0.2.12\", \"password_file\": \"database.key\"}}");
}

ConfigurationKey voter_pair_key() {
    return optional_key("pair", voter_pair_shape(),
                        "This agent votes which of two controllers may serve the library alone.",
                        "{\"cluster\": \"library-1\", \"first\": \"lra-a\", \"second\": "
                        "\"lra-b\"}");
}

std::optional<NodePairConfiguration> node_pair_configuration(const Configuration& source,
                                                             const LradConfiguration& known,
                                                             ConfigurationErrors& errors) {
    if (!source.values().contains("pair")) return std::nullopt;
    return PairReading(source, errors).read_node(known);
}

std::optional<VoterPairConfiguration> voter_pair_configuration(const Configuration& source,
                                                               const DsadConfiguration& known,
                                                               ConfigurationErrors& errors) {
    if (!source.values().contains("pair")) return std::nullopt;
    return PairReading(source, errors).read_voter(known);
}

}  // namespace agent::runtime

#pragma once

// What lractl can ask of a controller node: pair.show, pair.votes, pair.keys, pair.shutdown,
// pair.recover, pair.enrol.

#include <functional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "agent/core/result.hpp"
#include "agent/pair_node/node_runner.hpp"
#include "agent/runtime/control_server.hpp"

namespace asio {
class io_context;
}

namespace agent::pair_node {

struct NodeMethodDoors {
    // Notes in the audit trail what a person did; an error refuses it.
    std::function<core::Outcome(const runtime::Caller& caller, const std::string& action,
                                const std::string& subject, const std::string& reason)>
        audit;
    // Does this agent's SNMP engine answer?
    std::function<bool(const std::string& agent)> answers;
};

// Before the server listens; `node` lives as long as the server.
void serve_node(asio::io_context& loop, runtime::ControlServer& server, NodeRunner& node,
                NodeMethodDoors doors);
// The same methods where there is no pair: they say so.
void refuse_pair(runtime::ControlServer& server);

[[nodiscard]] nlohmann::json node_json(const NodeRunner& node, const NodeMethodDoors& doors);

}  // namespace agent::pair_node

// What is understood is said again in the same words, and an agent that hears it does not break.

#include <cstdint>
#include <string_view>

#include "agent/core/assert.hpp"
#include "agent/pair/pair_message.hpp"
#include "agent/pair/voting_agent.hpp"

namespace {

using namespace agent::pair;

void hear_as_agent(const PairMessage& message) {
    VotingAgentConfiguration configuration;
    configuration.agent = "a1";
    VotingAgentState state;
    state.held = Register{{}, {}, {"c", 1, Relation::pair, Node::first, 1, {"a1", "a2"}, 1}};
    VotingAgent agent(configuration, state, {0});
    const agent::core::Instant now{100'000};
    const auto hear = [&](const VotingAgentInput& input) {
        static_cast<void>(agent.step(input, now));
    };
    if (const auto* promise = std::get_if<PromiseRequest>(&message)) {
        hear(PromiseAsked{promise->ballot.node, *promise});
    } else if (const auto* accept = std::get_if<AcceptRequest>(&message)) {
        hear(AcceptAsked{accept->ballot.node, *accept});
    } else if (const auto* told = std::get_if<DecisionTold>(&message)) {
        hear(DecisionHeard{told->decision, told->candidate});
    } else if (const auto* key = std::get_if<KeyPass>(&message)) {
        hear(KeyArrived{key->key, {{Node::first, key->life, key->sequence}}});
    } else if (const auto* command = std::get_if<CommandPass>(&message)) {
        hear(CommandArrived{command->key});
    } else if (const auto* beat = std::get_if<Heartbeat>(&message)) {
        hear(NodeSaid{Node::first, beat->sequence, beat->serves, beat->state, beat->data.epoch,
                      beat->life});
    }
    hear(AgentTime{});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view line(reinterpret_cast<const char*>(data), size);
    const auto message = decode(line);
    if (message.ok()) {
        AGENT_ASSERT(encode(*message) == line);
        hear_as_agent(*message);
    }
    if (const auto held = decode_register(line); held.ok()) AGENT_ASSERT(encode(*held) == line);
    if (const auto key = decode_key(line); key.ok()) AGENT_ASSERT(encode(*key) == line);
    return 0;
}

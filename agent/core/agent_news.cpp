#include "agent/core/agent_news.hpp"

namespace agent::core {

std::vector<ReservationAgentInput> inputs_of(const AgentRoster::News& news,
                                             const ControllerName& controller) {
    const auto& [agent, era, incarnation, stopping] = news.word;
    if (incarnation == 0) return {};
    std::vector<ReservationAgentInput> inputs;
    const AgentPresence presence{controller, agent, incarnation};
    if (stopping) {
        inputs.emplace_back(AgentStopping{presence});
    } else {
        inputs.emplace_back(AgentStarted{presence});
    }
    return inputs;
}

}  // namespace agent::core

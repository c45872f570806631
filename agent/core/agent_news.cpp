#include "agent/core/agent_news.hpp"

namespace agent::core {

std::vector<ReservationAgentInput> inputs_of(const AgentRoster::News& news,
                                             const AgentRecord& known,
                                             const ControllerName& controller) {
    const auto& [agent, era, incarnation, stopping] = news.word;
    if (incarnation == 0) return {};
    std::vector<ReservationAgentInput> inputs;
    const bool is_over = incarnation < known.incarnation ||
                         (incarnation == known.incarnation && known.state == AgentState::stopped);
    // Else its new life would be taken for one before the life that was retired.
    if (news.is_new_era && is_over) {
        inputs.emplace_back(AdministratorRetiredAgent{
            agent, "the other node", "it was retired there, and has been heard there since"});
    }
    const AgentPresence presence{controller, agent, incarnation};
    if (stopping) {
        inputs.emplace_back(AgentStopping{presence});
    } else {
        inputs.emplace_back(AgentStarted{presence});
    }
    return inputs;
}

}  // namespace agent::core

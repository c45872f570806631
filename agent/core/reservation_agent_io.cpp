#include "agent/core/reservation_agent_io.hpp"

#include "agent/core/enumerator_names.hpp"

namespace agent::core {
namespace {

constexpr EnumeratorName<AgentState> agent_states[] = {
    {AgentState::never_seen, "never_seen"},
    {AgentState::starting, "starting"},
    {AgentState::started, "started"},
    {AgentState::stopped, "stopped"},
    {AgentState::lost, "lost"},
    {AgentState::returning, "returning"},
};

}  // namespace

std::string_view to_text(AgentState value) {
    return name_of(agent_states, value);
}

std::optional<AgentState> agent_state_from_text(std::string_view text) {
    return value_of(agent_states, text);
}

}  // namespace agent::core

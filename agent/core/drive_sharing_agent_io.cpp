#include "agent/core/drive_sharing_agent_io.hpp"

#include "agent/core/enumerator_names.hpp"

namespace agent::core {
namespace {

constexpr EnumeratorName<ApplicationDriveState> application_drive_states[] = {
    {ApplicationDriveState::online, "online"},
    {ApplicationDriveState::offline, "offline"},
    {ApplicationDriveState::draining, "draining"},
    {ApplicationDriveState::unknown, "unknown"},
};

constexpr EnumeratorName<ApplicationAction> application_actions[] = {
    {ApplicationAction::query, "query"},
    {ApplicationAction::set_offline, "set_offline"},
    {ApplicationAction::set_online, "set_online"},
};

}  // namespace

std::string_view to_text(ApplicationDriveState value) {
    return name_of(application_drive_states, value);
}
std::string_view to_text(ApplicationAction value) {
    return name_of(application_actions, value);
}

std::optional<ApplicationDriveState> application_drive_state_from_text(std::string_view text) {
    return value_of(application_drive_states, text);
}

}  // namespace agent::core

#include "agent/core/enumerator_names.hpp"

#include "agent/core/alarm.hpp"
#include "agent/core/drive_sharing_agent_io.hpp"
#include "agent/core/notice.hpp"
#include "agent/core/reservation_agent_io.hpp"
#include "test/support/catch.hpp"

using namespace agent::core;

namespace {

template <typename Enumeration, typename FromText>
void every_name_leads_back(int first, int last, FromText from_text) {
    for (int number = first; number <= last; ++number) {
        const auto value = static_cast<Enumeration>(number);
        CHECK(from_text(to_text(value)) == value);
    }
    CHECK_FALSE(from_text("").has_value());
    CHECK_FALSE(from_text("no such word").has_value());
}

}  // namespace

TEST_CASE("every enumerator has a name of its own that leads back to it") {
    every_name_leads_back<ConfirmationResult>(1, 10, confirmation_result_from_text);
    every_name_leads_back<Severity>(1, 4, severity_from_text);
    every_name_leads_back<AlarmKind>(1, 6, alarm_kind_from_text);
    every_name_leads_back<AlarmKind>(20, 26, alarm_kind_from_text);
    every_name_leads_back<AgentState>(0, 4, agent_state_from_text);
    every_name_leads_back<ApplicationDriveState>(0, 3, application_drive_state_from_text);
    CHECK(to_text(ApplicationAction::query) == "query");
    CHECK(to_text(ApplicationAction::set_offline) == "set_offline");
    CHECK(to_text(ApplicationAction::set_online) == "set_online");
}

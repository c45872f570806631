#pragma once

// State of the daemons as JSON: what the control sockets answer and `lractl --json` prints. Stable:
// docs/CONTROL.md.

#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "agent/core/drive_sharing_agent.hpp"
#include "agent/core/reservation_agent.hpp"
#include "agent/runtime/store.hpp"

namespace agent::runtime {

// What the rules do not know about a drive.
struct DriveDescription {
    std::string vendor;  // INQUIRY; empty: not read yet
    std::string product;
    std::optional<std::uint32_t> element_address;
};

// {"serial","vendor","product","element_address","shared","operational_state","reservation":{...},"sequence","epoch",
//  "offline_reason","unreachable_why","holder_search":null|{"candidates":[{"evidence","sureness",
//  "port","words"}],"rungs":[{"rung","said"}]}}
[[nodiscard]] nlohmann::json drive_json(const core::DriveView& drive,
                                        const DriveDescription& description,
                                        const core::SharingConfiguration& sharing);

// {"state","kind","evidence","since","holders":[{"transport","name","isid","address","host","domain"}]}
[[nodiscard]] nlohmann::json reservation_json(const core::DriveRecord& record,
                                              const core::SharingConfiguration& sharing);

// {"name","address","state","domain","last_seen","missed","starting"}. `state` is one of started,
// stopped, lost and never_seen; an agent that is being told the state of the drives owes nothing
// yet: "stopped" with "starting": true.
[[nodiscard]] nlohmann::json agent_json(const core::AgentView& agent, const std::string& address);

// {"drive","agent","newest":{"epoch","sequence"},"oldest_unconfirmed":{...},"waiting_ms","attempts","received","last_answer"}
[[nodiscard]] nlohmann::json handshake_json(const core::HandshakeView& handshake);

// {"kind","drive","agent","severity","raised_at","text"}
[[nodiscard]] nlohmann::json alarm_json(const core::Alarm& alarm);

// {"number","at","severity","message","drive","agent","notice":{...}|null,"text"}
[[nodiscard]] nlohmann::json event_json(const core::EventRecord& record);
[[nodiscard]] nlohmann::json event_json(const StoredEvent& event);
// What "event.list" answers: the oldest first, in whichever order they were read.
[[nodiscard]] nlohmann::json events_json(std::vector<StoredEvent> events);

// dsad:
// {"serial","application_name","application_state","busy","result","newest":NOTICE|null,"ledger":{...}|null}
[[nodiscard]] nlohmann::json host_drive_json(const core::HostDriveView& drive,
                                             const std::string& application_name);

[[nodiscard]] nlohmann::json notice_json(const core::Notice& notice);
[[nodiscard]] nlohmann::json notice_id_json(const core::NoticeId& id);
[[nodiscard]] nlohmann::json initiator_port_json(const core::InitiatorPort& port);

// For params of event.list: {"drive","since","limit"}; errors name the parameter.
[[nodiscard]] core::Result<EventQuery> event_query_from_json(const nlohmann::json& params);

}  // namespace agent::runtime

#include "agent/dsad/drive_json.hpp"

#include <nlohmann/json.hpp>

#include "agent/host/program_call.hpp"
#include "agent/runtime/state_json.hpp"

namespace agent::dsad {

using nlohmann::json;

json drive_json(const core::HostDriveView& view, const runtime::DsadConfiguration& configuration) {
    json drive = runtime::host_drive_json(view, application_name(configuration, view.drive));
    drive["vendor"] = nullptr;
    drive["product"] = nullptr;
    drive["element_address"] = nullptr;
    drive["shared"] = true;
    if (!view.newest) {
        drive["operational_state"] = nullptr;
        drive["reservation"] = {{"state", "unknown"},
                                {"kind", "none"},
                                {"evidence", "none"},
                                {"since", nullptr},
                                {"holders", json::array()}};
        drive["sequence"] = nullptr;
        return drive;
    }
    const json notice = runtime::notice_json(*view.newest);
    drive["operational_state"] = notice["operational_state"];
    drive["reservation"] = notice["reservation"];
    drive["reservation"]["since"] = nullptr;
    drive["sequence"] = view.newest->id.sequence;
    return drive;
}

std::string application_name(const runtime::DsadConfiguration& configuration,
                             const core::DriveSerial& drive) {
    for (const auto& one : configuration.drives) {
        if (one.serial == drive) return one.application_name;
    }
    return drive.text;
}

json shown(const std::vector<std::string>& argv) {
    return host::argv_text(argv);
}

}  // namespace agent::dsad

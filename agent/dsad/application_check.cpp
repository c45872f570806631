#include "agent/dsad/application_check.hpp"

#include <memory>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/dsad/drive_json.hpp"

namespace agent::dsad {

using nlohmann::json;

namespace {

json would_run(const host::ApplicationProfile& profile, const core::DriveSerial& drive,
               core::ApplicationAction action) {
    const host::Command* command = profile.command(drive, action);
    return command == nullptr ? json("nothing: not configured") : shown(command->argv);
}

json row(const host::ProgramCall& call, const Daemon& daemon,
         const host::ApplicationProfile& profile) {
    return {
        {"serial", call.drive.text},
        {"application_name", application_name(daemon.configuration(), call.drive)},
        {"ok", call.succeeded},
        {"query", host::audit_line(call)},
        {"application_state", core::to_text(call.read.state)},
        {"understood_from", call.succeeded ? call.read.how : call.detail},
        {"offline_would_run", would_run(profile, call.drive, core::ApplicationAction::set_offline)},
        {"online_would_run", would_run(profile, call.drive, core::ApplicationAction::set_online)}};
}

// The answers that have come and the number that have not.
struct Check {
    json rows = json::array();
    std::size_t missing = 0;
    bool ok = true;
    std::function<void(json)> done;
};

}  // namespace

void check_application(Daemon& daemon, std::function<void(json)> done) {
    const auto& configuration = daemon.configuration();
    auto check = std::make_shared<Check>();  // shared by the answers still to come
    check->missing = configuration.drives.size();
    const bool observe_only = configuration.application.observe_only;
    check->done = [observe_only, done = std::move(done)](json report) {
        report["observe_only"] = observe_only;
        done(std::move(report));
    };
    if (check->missing == 0) {
        check->done({{"ok", true}, {"drives", json::array()}});
        return;
    }
    for (const auto& drive : configuration.drives) {
        daemon.application().call(
            drive.serial, core::ApplicationAction::query,
            [check, &daemon](const host::ProgramCall& call) {
                check->rows.push_back(row(call, daemon, daemon.application().profile()));
                check->ok = check->ok && call.succeeded;
                if (--check->missing == 0)
                    check->done({{"ok", check->ok}, {"drives", std::move(check->rows)}});
            });
    }
}

}  // namespace agent::dsad

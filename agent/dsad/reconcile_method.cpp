#include "agent/dsad/reconcile_method.hpp"

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "agent/dsad/drive_json.hpp"

namespace agent::dsad {

using nlohmann::json;
using runtime::ControlError;
using runtime::ControlErrorCode;

namespace {

json reconciled_json(const ReconciledDrive& drive,
                     const runtime::DsadConfiguration& configuration) {
    json done = json::array();
    for (const auto action : drive.done)
        done.push_back(core::to_text(action));
    return {{"serial", drive.drive.text},
            {"application_name", application_name(configuration, drive.drive)},
            {"found", drive.found ? json(core::to_text(*drive.found)) : json(nullptr)},
            {"commands", std::move(done)},
            {"result", drive.result ? json(core::to_text(*drive.result)) : json(nullptr)},
            {"outcome", done_in_words(drive)}};
}

json report(const Daemon& daemon, const std::vector<ReconciledDrive>& drives) {
    bool ok = true;
    json list = json::array();
    for (const auto& drive : drives) {
        ok = ok && drive.result && *drive.result != core::ConfirmationResult::failed;
        list.push_back(reconciled_json(drive, daemon.configuration()));
    }
    json controllers = json::array();
    for (const auto& controller : daemon.configuration().host.controllers) {
        const bool answered = daemon.acknowledged_by(controller);
        ok = ok && answered;
        controllers.push_back({{"name", controller}, {"answered", answered}});
    }
    return {{"ok", ok},
            {"incarnation", daemon.incarnation()},
            {"controllers", std::move(controllers)},
            {"reconciled", std::move(list)}};
}

}  // namespace

void serve_reconcile(runtime::ControlServer& server, Daemon& daemon) {
    server.on_async(
        "application.reconcile", [&daemon](const json&, const runtime::Caller& caller,
                                           const runtime::ControlServer::Answerer& answer) {
            const auto begun =
                daemon.reconcile(runtime::to_text(caller),
                                 [&daemon, answer](const std::vector<ReconciledDrive>& drives) {
                                     answer(report(daemon, drives));
                                 });
            if (!begun) answer(ControlError{ControlErrorCode::busy, begun.error().message});
        });
}

}  // namespace agent::dsad

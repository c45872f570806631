#include "agent/shell/mount_progress.hpp"

#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "agent/shell/daemon_link.hpp"
#include "agent/shell/patient_question.hpp"
#include "agent/shell/view_values.hpp"

namespace agent::shell {

using nlohmann::json;
using runtime::ControlAnswer;

namespace {

constexpr core::Duration a_week{7 * 24 * 3'600'000};
constexpr core::Duration step_answered_within{5'000};

// A name of our own, so that this very request can be asked about and cancelled.
std::string own_request_name() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return "lractl-" + std::to_string(::getpid()) + "-" +
           std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

std::string step_line(const std::string& what, const json& claim) {
    const std::string position = text_at(claim, {"position"});
    if (!position.empty()) return what + ": number " + position + " in line for a drive";
    const std::string step = text_at(claim, {"step"});
    return what + ": " + (step.empty() ? text_at(claim, {"state"}) : step);
}

}  // namespace

ControlAnswer ask_for_mount(const Request& request, const std::string& socket,
                            const Output& output) {
    json params = params_of(request);
    const std::string method = method_of(*request.command);
    const bool mounts = request.command->verb == "mount";
    if (mounts && !params.contains("request")) params["request"] = own_request_name();
    const std::string claim = text_at(params, {mounts ? "request" : "volume"});
    const std::string what = std::string(request.command->verb) + " " + text_at(params, {"volume"});
    const auto ask_about = [&](const char* verb) {
        return ask(socket, verb, {{"claim", claim}}, step_answered_within);
    };
    PatientQuestion question{.socket = socket,
                             .method = method,
                             .params = params,
                             .answered_within = a_week,
                             .progress = {},
                             .cancel = {},
                             .shown_on = output.errors};
    question.progress = [&] {
        const auto seen = ask_about("claim.show");
        const auto* shown = std::get_if<json>(&seen);
        return shown == nullptr ? what : step_line(what, *shown);
    };
    if (mounts) question.cancel = [&] { return ask_about("claim.cancel"); };
    return ask_patiently(question);
}

}  // namespace agent::shell

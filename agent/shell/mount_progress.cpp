#include "agent/shell/mount_progress.hpp"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <nlohmann/json.hpp>

#include "agent/shell/daemon_link.hpp"
#include "agent/shell/interruption.hpp"
#include "agent/shell/screen.hpp"
#include "agent/shell/view_values.hpp"

namespace agent::shell {

using nlohmann::json;
using runtime::ControlAnswer;
using namespace std::chrono_literals;

namespace {

constexpr core::Duration a_week{7 * 24 * 3'600'000};
constexpr core::Duration step_answered_within{5'000};
constexpr auto look_at_step_again = 300ms;

// Ctrl-C belongs to the thread that shows the progress.
ControlAnswer ask_with_interrupt_blocked(const std::string& socket, const std::string& method,
                                         const json& params) {
    sigset_t interrupt;
    ::sigemptyset(&interrupt);
    ::sigaddset(&interrupt, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &interrupt, nullptr);
    return ask(socket, method, params, a_week);
}

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
    const InterruptionGuard guard;
    auto answer =
        std::async(std::launch::async, ask_with_interrupt_blocked, socket, method, params);
    const bool shows = terminal(output.errors);
    bool cancelled = false;
    while (answer.wait_for(look_at_step_again) != std::future_status::ready) {
        if (mounts && InterruptionGuard::interrupted() && !cancelled) {
            cancelled = true;
            static_cast<void>(
                ask(socket, "claim.cancel", {{"claim", claim}}, step_answered_within));
            continue;
        }
        if (!shows) continue;
        const auto seen = ask(socket, "claim.show", {{"claim", claim}}, step_answered_within);
        const auto* shown = std::get_if<json>(&seen);
        if (shown == nullptr) continue;
        const auto width = screen_of(::fileno(output.errors)).columns;
        print(output.errors, "\r" + elided(step_line(what, *shown), width - 1) + "\x1b[K");
        std::fflush(output.errors);
    }
    if (shows) print(output.errors, "\r\x1b[K");
    return answer.get();
}

}  // namespace agent::shell

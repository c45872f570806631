#include "agent/shell/session_following.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>

#include "agent/shell/interruption.hpp"
#include "agent/shell/view.hpp"
#include "agent/shell/view_values.hpp"

namespace agent::shell {

using nlohmann::json;
using runtime::ControlAnswer;
using runtime::ControlClient;
using runtime::ControlError;
using runtime::ControlErrorCode;
using runtime::ExitCode;
using namespace std::chrono_literals;

namespace {

constexpr core::Duration look_at_interruption{200};
constexpr auto look_at_active = 2s;

class WriteSessionDisplay {
  public:
    WriteSessionDisplay(const Request& request, const Output& output)
        : request_(&request), output_(&output) {}

    void show(const json& session) {
        progress_[text_at(session, {"id"})] = text_at(session, {"objects"});
        print(output_->results,
              request_->options.json
                  ? rendered_json(session, false)
                  : rendered_write_session(session, screen_of(::fileno(output_->results))));
        std::fflush(output_->results);
    }
    // Of those that are active now, the ones that went on since they were shown.
    void show_progress(const json& active) {
        for (const json* session : elements(active)) {
            const auto before = progress_.find(text_at(*session, {"id"}));
            if (before == progress_.end() || before->second != text_at(*session, {"objects"}))
                show(*session);
        }
        std::erase_if(progress_, [&](const auto& entry) {
            const auto all = elements(active);
            return std::none_of(all.begin(), all.end(), [&](const json* session) {
                return text_at(*session, {"id"}) == entry.first;
            });
        });
    }

  private:
    const Request* request_;
    const Output* output_;
    std::map<std::string, std::string> progress_;  // objects shown last
};

}  // namespace

ExitCode follow_write_sessions(const Request& request, const Destination& destination,
                               const Output& output) {
    const auto failed = [&](const ControlError& error) {
        return report_error(error, request, destination, output);
    };
    const InterruptionGuard guard;
    auto client = ControlClient::connect(destination.socket, request.options.timeout);
    if (!client) return failed({ControlErrorCode::no_connection, client.error().message});
    const auto call = [&](const char* method, const json& params) {
        return client.value().call(method, params, request.options.timeout);
    };
    const auto subscribed = call("event.follow", json::object());
    if (const auto* error = std::get_if<ControlError>(&subscribed)) return failed(*error);
    if (terminal(output.results) && !request.options.json) {
        print(output.errors,
              "following the write sessions on " + destination.socket + "; Ctrl-C ends it\n");
    }
    WriteSessionDisplay display(request, output);
    auto looked = std::chrono::steady_clock::time_point{};
    while (!InterruptionGuard::interrupted()) {
        if (std::chrono::steady_clock::now() - looked >= look_at_active) {
            const auto active = call("session.writes", {{"state", "active"}});
            if (const auto* error = std::get_if<ControlError>(&active)) return failed(*error);
            display.show_progress(std::get<json>(active));
            looked = std::chrono::steady_clock::now();
        }
        const auto answer = client.value().next_event(look_at_interruption);
        if (const auto* event = std::get_if<json>(&answer)) {
            if (text_at(*event, {"event"}) == "write_session")
                display.show(at(*event, {"session"}));
        } else if (std::get<ControlError>(answer).code != ControlErrorCode::busy) {
            return failed(std::get<ControlError>(answer));
        }
    }
    return ExitCode::ok;
}

}  // namespace agent::shell

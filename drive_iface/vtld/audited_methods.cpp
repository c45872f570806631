#include "drive_iface/vtld/audited_methods.hpp"

#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "agent/runtime/log.hpp"

namespace drive_iface::vtld {

using agent::runtime::Caller;
using agent::runtime::ControlAnswer;
using agent::runtime::ControlError;
using agent::runtime::ControlServer;
using nlohmann::json;

namespace {

std::string audit_line(const std::string& method, const json& params, const Caller& caller) {
    return method + " " + params.dump() + " done for " + to_text(caller);
}

void log_unless_refused(const std::string& line, const ControlAnswer& answer) {
    if (!std::holds_alternative<ControlError>(answer)) agent::runtime::log_info(line);
}

}  // namespace

void on_change(ControlServer& control, const std::string& method, ControlServer::Handler handler) {
    control.on(method,
               [method, handler = std::move(handler)](const json& params, const Caller& caller) {
                   auto answer = handler(params, caller);
                   log_unless_refused(audit_line(method, params, caller), answer);
                   return answer;
               });
}

void on_async_change(ControlServer& control, const std::string& method,
                     ControlServer::AsyncHandler handler) {
    control.on_async(
        method, [method, handler = std::move(handler)](const json& params, const Caller& caller,
                                                       ControlServer::Answerer answer) {
            handler(params, caller,
                    [line = audit_line(method, params, caller),
                     answer = std::move(answer)](ControlAnswer done) {
                        log_unless_refused(line, done);
                        answer(std::move(done));
                    });
        });
}

void log_change(const std::string& method, const json& params, const Caller& caller) {
    agent::runtime::log_info(audit_line(method, params, caller));
}

}  // namespace drive_iface::vtld

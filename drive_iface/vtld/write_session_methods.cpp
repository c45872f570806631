#include "drive_iface/vtld/write_session_methods.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "agent/core/time.hpp"
#include "agent/runtime/clock.hpp"
#include "drive_iface/sessions/session_ledger.hpp"
#include "drive_iface/sessions/tracking.hpp"
#include "drive_iface/vtld/control_parameters.hpp"
#include "drive_iface/vtld/write_session_json.hpp"

namespace drive_iface::vtld {

using agent::runtime::Caller;
using agent::runtime::ControlAnswer;
using agent::runtime::ControlError;
using agent::runtime::ControlErrorCode;
using agent::runtime::ControlServer;
using nlohmann::json;
using sessions::Session;
using sessions::Tracking;

namespace {

constexpr std::int64_t records_at_once = 100;
constexpr std::int64_t recent_at_once = 50;

// Active ones, and the newest of the others; in order of identifier.
std::vector<Session> active_and_recent(std::vector<Session> all, std::size_t recent) {
    std::size_t others =
        static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [](const Session& session) {
            return session.state != sessions::SessionState::active;
        }));
    std::erase_if(all, [&](const Session& session) {
        return session.state != sessions::SessionState::active && others-- > recent;
    });
    return all;
}

ControlAnswer list_writes(const json& params, const Tracking* tracking) {
    if (auto known = check_known(params, {"state", "limit"}); !known) return invalid(known.error());
    const auto limit = optional_number(params, "limit", 1, 1'000'000);
    if (!limit) return invalid(limit.error());
    const auto wanted = optional_text(params, "state");
    if (!wanted) return invalid(wanted.error());
    std::optional<sessions::SessionState> state;
    if (wanted->has_value()) {
        state = sessions::session_state_from_text(**wanted);
        if (!state) {
            return invalid({"state: is one of active, complete, incomplete and merged, not \"" +
                            **wanted + "\""});
        }
    }
    json result = json::array();
    if (tracking == nullptr) return result;
    auto all = tracking->list();
    std::erase_if(all, [&](const Session& session) { return state && session.state != *state; });
    for (const auto& session : active_and_recent(
             std::move(all), static_cast<std::size_t>(limit->value_or(recent_at_once))))
        result.push_back(session_json(session));
    return result;
}

ControlAnswer show_write(const json& params, const Tracking* tracking) {
    if (auto known = check_known(params, {"id"}); !known) return invalid(known.error());
    const auto id = optional_number(params, "id", 1, sessions::SessionLedger::identifier_max);
    if (!id) return invalid(id.error());
    if (!id->has_value()) return invalid({"id: is missing; session.writes has it"});
    const auto found = tracking ? tracking->show(static_cast<std::uint32_t>(**id)) : std::nullopt;
    if (!found) {
        return ControlError{ControlErrorCode::failed,
                            "there is no write session " + std::to_string(**id)};
    }
    return session_json(*found);
}

ControlAnswer records(const json& params, const Tracking* tracking) {
    if (auto known = check_known(params, {"id", "from", "count"}); !known)
        return invalid(known.error());
    const auto id = optional_number(params, "id", 1, sessions::SessionLedger::identifier_max);
    const auto first = optional_number(params, "from", 0, INT64_MAX);
    const auto limit = optional_number(params, "count", 1, 10'000);
    for (const auto* number : {&id, &first, &limit}) {
        if (!*number) return invalid(number->error());
    }
    if (!id->has_value()) return invalid({"id: is missing; session.writes has it"});
    if (tracking == nullptr)
        return ControlError{ControlErrorCode::failed, "no drive of this library is parallel"};
    const auto found = tracking->records(
        static_cast<std::uint32_t>(**id), static_cast<std::uint64_t>(first->value_or(0)),
        static_cast<std::uint64_t>(limit->value_or(records_at_once)));
    if (!found) return ControlError{ControlErrorCode::failed, found.error().message};
    json all = json::array();
    for (const auto& record : *found)
        all.push_back(record_json(record));
    return all;
}

}  // namespace

std::shared_ptr<void> add_write_session_methods(ControlServer& control, Tracking* tracking) {
    control.on("session.writes", [tracking](const json& params, const Caller&) -> ControlAnswer {
        return list_writes(params, tracking);
    });
    control.on("session.write", [tracking](const json& params, const Caller&) {
        return show_write(params, tracking);
    });
    control.on("session.records",
               [tracking](const json& params, const Caller&) { return records(params, tracking); });
    if (tracking == nullptr) return nullptr;
    return tracking->listen([&control](const Session& session) {
        control.publish_event({{"event", "write_session"}, {"session", session_json(session)}});
    });
}

}  // namespace drive_iface::vtld

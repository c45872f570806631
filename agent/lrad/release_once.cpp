#include "agent/lrad/release_once.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace agent::lrad {

using nlohmann::json;

namespace {

constexpr const char* seen_field = "seen";
constexpr const char* begun_field = "begun";

std::string begun_text(const json& request, const char* field) {
    if (!request.is_object()) return {};
    const auto begun = request.find(begun_field);
    if (begun == request.end() || !begun->is_object()) return {};
    const auto found = begun->find(field);
    return found != begun->end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

json with_reservation_seen(json request, const core::Reservation& seen) {
    if (!request.is_object()) return request;
    json said{{"state", core::to_text(seen.state)}, {"holders", json::array()}};
    for (const auto& holder : seen.holders)
        said["holders"].push_back(core::to_text(holder));
    if (seen.persistent) {
        said["type"] = seen.persistent->type;
        said["key"] = seen.persistent->key;
    }
    request[seen_field] = std::move(said);
    return request;
}

std::optional<core::Reservation> reservation_seen(const json& request) {
    if (!request.is_object()) return std::nullopt;
    const auto seen = request.find(seen_field);
    if (seen == request.end() || !seen->is_object()) return std::nullopt;
    core::Reservation reservation;
    // Without a state: from a node of an earlier version, which says it of reservations only.
    reservation.state = core::ReservationState::reserved;
    if (const auto state = seen->find("state"); state != seen->end() && state->is_string()) {
        reservation.state = core::reservation_state_from_text(state->get<std::string>())
                                .value_or(core::ReservationState::unknown);
    }
    if (const auto holders = seen->find("holders"); holders != seen->end() && holders->is_array()) {
        for (const auto& holder : *holders) {
            if (!holder.is_string()) continue;
            if (auto port = core::initiator_port_from_text(holder.get<std::string>()))
                reservation.holders.push_back(std::move(*port));
        }
    }
    const auto type = seen->find("type");
    const auto key = seen->find("key");
    const bool persistent = type != seen->end() && type->is_number_unsigned() &&
                            key != seen->end() && key->is_number_unsigned();
    if (persistent) {
        reservation.persistent =
            core::PersistentReservation{type->get<std::uint8_t>(), key->get<std::uint64_t>()};
    }
    return reservation;
}

core::Reservation with_known_holders(core::Reservation surveyed,
                                     const core::Reservation& recorded) {
    const bool same =
        surveyed.state == recorded.state && surveyed.persistent == recorded.persistent;
    if (same && surveyed.holders.empty()) surveyed.holders = recorded.holders;
    return surveyed;
}

bool is_another(const core::Reservation& meant, const core::Reservation& now) {
    if (meant.persistent != now.persistent) return true;
    // Hosts that share a key hold one reservation, whichever of them it is that is seen.
    if (meant.persistent || meant.holders.empty() || now.holders.empty()) return false;
    return std::none_of(meant.holders.begin(), meant.holders.end(), [&now](const auto& holder) {
        return std::any_of(now.holders.begin(), now.holders.end(), [&holder](const auto& other) {
            return core::same_host_port(holder, other);
        });
    });
}

json ReleaseOnce::to_begin(json request) {
    const auto number = tenure_ + ":" + std::to_string(++number_);
    open_.insert(number);
    request[begun_field] = {{"controller", controller_}, {"number", number}};
    return request;
}

bool ReleaseOnce::begin(const json& request) {
    const auto by = begun_by(request);
    return by.empty() || (by == controller_ && open_.erase(begun_text(request, "number")) != 0);
}

std::string ReleaseOnce::begun_by(const json& request) {
    return begun_text(request, "controller");
}

}  // namespace agent::lrad

#include "agent/lrad/release_once.hpp"

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
    if (!request.is_object() || seen.state != core::ReservationState::reserved) return request;
    request[seen_field] = json::object();
    if (seen.persistent)
        request[seen_field] = {{"type", seen.persistent->type}, {"key", seen.persistent->key}};
    return request;
}

std::optional<core::Reservation> reservation_seen(const json& request) {
    if (!request.is_object()) return std::nullopt;
    const auto seen = request.find(seen_field);
    if (seen == request.end() || !seen->is_object()) return std::nullopt;
    core::Reservation reservation;
    reservation.state = core::ReservationState::reserved;
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

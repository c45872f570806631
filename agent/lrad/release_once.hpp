#pragma once

// Which reservation is meant by a `drive release` that is passed on between the nodes of a pair,
// and that it is begun once: its steps can not be taken back, and done again by another node they
// would hit whoever holds the drive by then. Pure; what is written here stands in the request's
// row.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <nlohmann/json_fwd.hpp>

#include "agent/core/reservation.hpp"

namespace agent::lrad {

// The request as it is passed on: with the reservation that is seen where it is asked.
[[nodiscard]] nlohmann::json with_reservation_seen(nlohmann::json request,
                                                   const core::Reservation& seen);
// Nothing: it was not said.
[[nodiscard]] std::optional<core::Reservation> reservation_seen(const nlohmann::json& request);
// As the drive tells it now, which does not say who has done a RESERVE, with the holders that are
// recorded for it.
[[nodiscard]] core::Reservation with_known_holders(core::Reservation surveyed,
                                                   const core::Reservation& recorded);
// Is `now` certainly not the reservation that was meant? Both are reserved.
[[nodiscard]] bool is_another(const core::Reservation& meant, const core::Reservation& now);

class ReleaseOnce {
  public:
    // `tenure`: of this node since it serves, used for no other one.
    ReleaseOnce(std::string controller, std::string tenure)
        : controller_(std::move(controller)), tenure_(std::move(tenure)) {}

    // The request as this node will begin it.
    [[nodiscard]] nlohmann::json to_begin(nlohmann::json request);
    // May it be begun? Once for each to_begin(), and always when it was not passed on.
    [[nodiscard]] bool begin(const nlohmann::json& request);
    // Who was to begin it; empty: it was not passed on.
    [[nodiscard]] static std::string begun_by(const nlohmann::json& request);

  private:
    std::string controller_;
    std::string tenure_;
    std::set<std::string> open_;
    std::uint64_t number_ = 0;
};

}  // namespace agent::lrad

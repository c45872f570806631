#include "agent/lrad/release_once.hpp"

#include <nlohmann/json.hpp>

#include "test/support/catch.hpp"

using namespace agent::lrad;
using agent::core::PersistentReservation;
using agent::core::Reservation;
using agent::core::ReservationState;
using nlohmann::json;

namespace {

const json release{{"serial", "VT1"}, {"reason", "in the way"}};

Reservation held_by(std::uint64_t key) {
    Reservation reservation;
    reservation.state = ReservationState::reserved;
    reservation.persistent = PersistentReservation{6, key};
    return reservation;
}

}  // namespace

TEST_CASE("a release that is passed on is begun once, and by no other node") {
    ReleaseOnce serving("lra-a", "5");
    const auto passed = serving.to_begin(release);
    CHECK(ReleaseOnce::begun_by(passed) == "lra-a");
    ReleaseOnce other("lra-b", "6");
    CHECK_FALSE(other.begin(passed));  // it has taken over, and finds the row without an answer
    CHECK(serving.begin(passed));
    CHECK_FALSE(serving.begin(passed));
    ReleaseOnce later("lra-a", "7");  // it serves again, perhaps as another process
    CHECK_FALSE(later.begin(passed));
    CHECK(later.begin(later.to_begin(release)));
}

TEST_CASE("two releases of one node are two") {
    ReleaseOnce serving("lra-a", "5");
    const auto first = serving.to_begin(release);
    const auto second = serving.to_begin(release);
    CHECK(serving.begin(second));
    CHECK(serving.begin(first));
}

TEST_CASE("a release asked where it is done is begun as often as it is asked") {
    ReleaseOnce serving("lra-a", "5");
    for (int i = 0; i < 2; ++i)
        CHECK(serving.begin(release));
    CHECK(ReleaseOnce::begun_by(json()).empty());
    CHECK(serving.begin({{"begun", 7}}));
}

TEST_CASE("the reservation that is meant is the one that was seen where it was asked") {
    CHECK(reservation_seen(with_reservation_seen(release, held_by(0xFFFFFFFFFFFFFFFFU))) ==
          held_by(0xFFFFFFFFFFFFFFFFU));
    Reservation legacy;
    legacy.state = ReservationState::reserved;
    const auto seen = reservation_seen(with_reservation_seen(release, legacy));
    REQUIRE(seen);
    CHECK_FALSE(seen->persistent);
    for (const auto state : {ReservationState::free, ReservationState::unknown}) {
        Reservation other;
        other.state = state;
        CHECK_FALSE(reservation_seen(with_reservation_seen(release, other)));
    }
    CHECK_FALSE(reservation_seen(release));
    CHECK_FALSE(reservation_seen(json()));
    CHECK_FALSE(reservation_seen({{"seen", "all"}}));
    CHECK_FALSE(reservation_seen({{"seen", {{"type", "6"}, {"key", -1}}}})->persistent);
}

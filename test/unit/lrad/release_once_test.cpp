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

Reservation reserved_by(const std::string& port) {
    Reservation reservation;
    reservation.state = ReservationState::reserved;
    reservation.holders = {{agent::core::Transport::fc, "2100000e1e09" + port, {}, {}}};
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
    const auto seen = reservation_seen(with_reservation_seen(release, reserved_by("a1b0")));
    REQUIRE(seen);
    CHECK(*seen == reserved_by("a1b0"));
    CHECK_FALSE(seen->persistent);
    for (const auto state : {ReservationState::free, ReservationState::unknown}) {
        Reservation other;
        other.state = state;
        CHECK(reservation_seen(with_reservation_seen(release, other)) == other);
    }
    CHECK_FALSE(reservation_seen(release));
    CHECK_FALSE(reservation_seen(json()));
    CHECK_FALSE(reservation_seen({{"seen", "all"}}));
    CHECK_FALSE(reservation_seen({{"seen", {{"type", "6"}, {"key", -1}}}})->persistent);
    // As an earlier version says it.
    CHECK(reservation_seen({{"seen", {{"type", 6U}, {"key", 5U}}}}) == held_by(5));
    CHECK(reservation_seen({{"seen", {{"state", 7}, {"holders", {1, "?"}}}}})->holders.empty());
}

TEST_CASE("a RESERVE by another host is not the reservation that was meant") {
    Reservation surveyed;  // which does not say whose it is
    surveyed.state = ReservationState::reserved;
    const auto now = with_known_holders(surveyed, reserved_by("a1b1"));
    CHECK(now.holders == reserved_by("a1b1").holders);
    CHECK(is_another(reserved_by("a1b0"), now));
    CHECK_FALSE(is_another(reserved_by("a1b1"), now));
    // Where one of the two is not known, nobody can tell.
    CHECK_FALSE(is_another(surveyed, now));
    CHECK_FALSE(is_another(reserved_by("a1b0"), surveyed));
    // A record of before says nothing of what the drive tells now.
    CHECK(with_known_holders(surveyed, held_by(5)) == surveyed);
    CHECK(is_another(held_by(5), held_by(6)));
    CHECK(is_another(held_by(5), now));
    CHECK_FALSE(is_another(held_by(5), held_by(5)));
}

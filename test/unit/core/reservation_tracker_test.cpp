#include "agent/core/reservation_tracker.hpp"

#include "test/unit/core/controller.hpp"

using namespace core_test;

namespace {

Now at(std::int64_t ms) {
    return {{ms}, {ms}};
}

DriveObserved polled(const Reservation& reservation,
                     HolderEvidence evidence = HolderEvidence::none) {
    return {drive_1, reservation, evidence, DriveObserved::Source::poll};
}
DriveObserved event(const Reservation& reservation) {
    return {drive_1, reservation, HolderEvidence::drive_event, DriveObserved::Source::drive_event};
}

constexpr TrackerTimes at_once{{0}, {0}};

}  // namespace

TEST_CASE("the same answer as last time is no change") {
    ReservationTracker tracker(reserved_by(port_a), HolderEvidence::drive_event);
    CHECK_FALSE(tracker.observe(event(reserved_by(port_a)), at_once, at(1)));
    CHECK_FALSE(tracker.next_wakeup(at_once));
}

TEST_CASE("a poll that can not name the port does not erase what the drive event said") {
    ReservationTracker tracker(reserved_by(port_a), HolderEvidence::drive_event);
    CHECK_FALSE(tracker.observe(polled(reserved_by_nobody_knows_whom()), at_once, at(1)));
}

TEST_CASE("evidence ends with the reservation that it explained") {
    ReservationTracker tracker(reserved_by(port_a), HolderEvidence::drive_event);
    REQUIRE(tracker.observe(polled(free_drive()), at_once, at(1)));
    const auto change = tracker.observe(polled(reserved_by_nobody_knows_whom()), at_once, at(2));
    REQUIRE(change);
    CHECK(change->reservation.holders.empty());
}

TEST_CASE("a reservation of another kind or key is another reservation") {
    ReservationTracker tracker(persistent(port_a, 3, 7), HolderEvidence::drive_event);
    Reservation other = persistent(port_a, 3, 8);
    other.holders.clear();
    const auto change = tracker.observe(polled(other), at_once, at(1));
    REQUIRE(change);
    CHECK(change->reservation.holders.empty());
    const auto legacy = tracker.observe(polled(reserved_by_nobody_knows_whom()), at_once, at(2));
    REQUIRE(legacy);
    CHECK(legacy->reservation.kind == ReservationKind::legacy);
}

TEST_CASE("READ FULL STATUS overrules a drive event that names another port") {
    ReservationTracker tracker(persistent(port_a, 3, 7), HolderEvidence::drive_event);
    const auto change = tracker.observe(
        polled(persistent(port_b, 3, 7), HolderEvidence::full_status), at_once, at(1));
    REQUIRE(change);
    CHECK(change->reservation.holders == std::vector{port_b});
}

TEST_CASE("READ FULL STATUS of the same port does not take its address away") {
    InitiatorPort with_address{Transport::iscsi, "iqn.2001-04.com.example:a", "00023d000001",
                               "192.0.2.17"};
    InitiatorPort without{Transport::iscsi, "iqn.2001-04.com.example:a", "00023d000001", ""};
    ReservationTracker tracker(persistent(with_address, 3, 7), HolderEvidence::drive_event);
    CHECK_FALSE(tracker.observe(polled(persistent(without, 3, 7), HolderEvidence::full_status),
                                at_once, at(1)));
}

TEST_CASE("stronger evidence names a holder that was unknown") {
    ReservationTracker tracker(reserved_by_nobody_knows_whom(), HolderEvidence::none);
    const auto change = tracker.observe(event(reserved_by(port_b)), at_once, at(1));
    REQUIRE(change);
    CHECK(change->reservation.holders == std::vector{port_b});
}

TEST_CASE("what is seen only by polling must last the debounce") {
    const TrackerTimes times{{100}, {0}};
    ReservationTracker tracker(free_drive(), HolderEvidence::none);
    CHECK_FALSE(tracker.observe(polled(reserved_by_nobody_knows_whom()), times, at(10)));
    // Time alone proves nothing: it may have ended right after that look.
    CHECK_FALSE(tracker.next_wakeup(times));
    CHECK_FALSE(tracker.time_passed(times, {500}));
    CHECK_FALSE(tracker.observe(polled(reserved_by_nobody_knows_whom()), times, at(109)));
    const auto change = tracker.observe(polled(reserved_by_nobody_knows_whom()), times, at(110));
    REQUIRE(change);
    CHECK(change->since == WallTime{10});
    CHECK_FALSE(tracker.next_wakeup(times));
}

TEST_CASE("a blip between two polls is forgotten") {
    const TrackerTimes times{{100}, {0}};
    ReservationTracker tracker(free_drive(), HolderEvidence::none);
    CHECK_FALSE(tracker.observe(polled(reserved_by_nobody_knows_whom()), times, at(10)));
    CHECK_FALSE(tracker.observe(polled(free_drive()), times, at(60)));
    CHECK_FALSE(tracker.time_passed(times, {500}));
}

TEST_CASE("a release that polling alone has seen is confirmed by a look after the hold-down") {
    const TrackerTimes times{{0}, {200}};
    ReservationTracker tracker(reserved_by(port_a), HolderEvidence::full_status);
    CHECK_FALSE(tracker.observe(polled(free_drive()), times, at(10)));
    CHECK_FALSE(tracker.time_passed(times, {1'000}));
    CHECK_FALSE(tracker.observe(polled(reserved_by(port_a)), times, at(300)));  // taken again
    CHECK_FALSE(tracker.observe(polled(free_drive()), times, at(400)));
    CHECK(tracker.observe(polled(free_drive()), times, at(600)));
}

TEST_CASE("what the drive itself says counts at once, whatever the debounce") {
    const TrackerTimes times{{100}, {0}};
    ReservationTracker tracker(free_drive(), HolderEvidence::none);
    CHECK(tracker.observe(event(reserved_by(port_a)), times, at(10)));
    ReservationTracker polled_first(free_drive(), HolderEvidence::none);
    CHECK_FALSE(polled_first.observe(polled(reserved_by_nobody_knows_whom()), times, at(10)));
    CHECK(polled_first.observe(event(reserved_by(port_a)), times, at(20)));
}

TEST_CASE("a release must last the hold-down, and the same host reserving again is no change") {
    const TrackerTimes times{{0}, {200}};
    ReservationTracker tracker(reserved_by(port_a), HolderEvidence::drive_event);
    CHECK_FALSE(tracker.observe(event(free_drive()), times, at(10)));
    CHECK(tracker.next_wakeup(times) == Instant{210});
    CHECK_FALSE(tracker.observe(event(reserved_by(port_a)), times, at(100)));
    CHECK_FALSE(tracker.next_wakeup(times));
    CHECK_FALSE(tracker.observe(event(free_drive()), times, at(300)));
    CHECK(tracker.observe(event(reserved_by(port_b)), times, at(310)));  // somebody else: at once
}

TEST_CASE("a drive that answers without saying who may use it teaches nothing") {
    ReservationTracker tracker(reserved_by(port_a), HolderEvidence::drive_event);
    CHECK_FALSE(tracker.observe(polled({}), at_once, at(1)));
}

TEST_CASE("a holder whose reservation has ended is not put back") {
    DriveObserved ended = polled(reserved_by_nobody_knows_whom());
    ended.known_holder_ended = true;
    ReservationTracker tracker(reserved_by(port_a), HolderEvidence::drive_event);
    SECTION("it counts at once") {
        const auto change = tracker.observe(ended, at_once, at(1));
        REQUIRE(change);
        CHECK(change->reservation == reserved_by_nobody_knows_whom());
        CHECK(change->evidence == HolderEvidence::none);
    }
    SECTION("nor by the looks until it counts") {
        const TrackerTimes times{{100}, {0}};
        CHECK_FALSE(tracker.observe(ended, times, at(1)));
        CHECK_FALSE(tracker.observe(polled(reserved_by_nobody_knows_whom()), times, at(50)));
        const auto change =
            tracker.observe(polled(reserved_by_nobody_knows_whom()), times, at(101));
        REQUIRE(change);
        CHECK(change->reservation == reserved_by_nobody_knows_whom());
    }
    SECTION("unless the drive names it anew") {
        const TrackerTimes times{{100}, {0}};
        CHECK_FALSE(tracker.observe(ended, times, at(1)));
        CHECK_FALSE(tracker.observe(event(reserved_by(port_a)), times, at(50)));
        CHECK_FALSE(tracker.observe(polled(reserved_by_nobody_knows_whom()), times, at(500)));
    }
    SECTION("also where no look follows: the drive says that events were lost") {
        const DriveObserved lost{
            drive_1, {}, HolderEvidence::none, DriveObserved::Source::drive_event, {}, false, true};
        const auto change = tracker.observe(lost, at_once, at(1));
        REQUIRE(change);
        CHECK(change->reservation.state == ReservationState::reserved);
        CHECK(change->reservation.holders.empty());
        CHECK_FALSE(tracker.observe(lost, at_once, at(2)));
    }
}

TEST_CASE("READ FULL STATUS of the same port is enough to know an ended holder again") {
    InitiatorPort with_address = port_a;
    with_address.address = "192.0.2.17";
    ReservationTracker tracker(persistent(with_address, 3, 7), HolderEvidence::drive_event);
    DriveObserved again = polled(persistent(port_a, 3, 7), HolderEvidence::full_status);
    again.known_holder_ended = true;
    CHECK_FALSE(tracker.observe(again, at_once, at(1)));
}

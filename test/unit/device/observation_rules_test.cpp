#include "drive_iface/device/observation_rules.hpp"

#include "agent/core/reservation_tracker.hpp"
#include "drive_iface/device/mount_key.hpp"

#include "test/support/catch.hpp"

using namespace agent::core;
using namespace drive_iface;
using events::DriveEvent;
using Source = DriveObserved::Source;
using Change = DriveEvent::Change;

namespace {

const DriveSerial drive{"VT00000001"};
constexpr Duration grace{100};

InitiatorPort host(char letter) {
    const std::string name = std::string("iqn.2026-01.org.example:host-") + letter;
    return {agent::core::Transport::iscsi, name, "00023d000001", std::string("192.0.2.") + letter};
}
InitiatorPort without_address(InitiatorPort port) {
    port.address.clear();
    return port;
}

Reservation free_now() {
    Reservation reservation;
    reservation.state = ReservationState::free;
    return reservation;
}
Reservation by_reserve(ReservationKind kind, std::vector<InitiatorPort> holders = {}) {
    return {ReservationState::reserved, kind, std::nullopt, std::move(holders)};
}
Reservation by_key(std::uint64_t key, std::vector<InitiatorPort> holders = {}) {
    return {ReservationState::reserved, ReservationKind::persistent, PersistentReservation{3, key},
            std::move(holders)};
}

ReservationReading reading(Reservation reservation) {
    ReservationReading result;
    if (reservation.kind == ReservationKind::persistent && !reservation.holders.empty()) {
        result.evidence = HolderEvidence::full_status;
    }
    result.reservation = std::move(reservation);
    return result;
}

DriveEvent event(Change change, const Reservation& after,
                 std::optional<InitiatorPort> port = std::nullopt) {
    return events::make_drive_event(drive, change, after, std::move(port), "");
}

// A polled drive that is connected to the event channel; tickets are given as its poller would.
struct Watched {
    ObservationRules rules{drive, true, grace};
    std::uint64_t ticket = 0;

    Watched() { rules.connected(true); }
    void say(const DriveEvent& event) {
        const auto step = rules.event(event);
        CHECK(step.look_now);
        CHECK_FALSE(step.observed);
        rules.looking(++ticket);
    }
    // A look that began now.
    ObservationRules::Step look(const Reservation& found) {
        return rules.look(reading(found), ticket);
    }
    // A look that began before the last `events` events.
    ObservationRules::Step older_look(const Reservation& found, std::uint64_t events = 1) {
        return rules.look(reading(found), ticket - events);
    }
};

}  // namespace

TEST_CASE("the first look is reported as it is") {
    Watched drive_a;
    const auto step = drive_a.look(free_now());
    REQUIRE(step.observed);
    CHECK(step.observed->reservation == free_now());
    CHECK(step.observed->source == Source::poll);
    CHECK(step.observed->drive == drive);
}

TEST_CASE("an event names the holder of a RESERVE, and the look confirms it") {
    Watched watched;
    watched.look(free_now());
    watched.say(
        event(Change::reserved, by_reserve(ReservationKind::reserve6, {host('a')}), host('a')));
    const auto step = watched.look(by_reserve(ReservationKind::legacy));
    REQUIRE(step.observed);
    CHECK(step.observed->source == Source::event_and_poll);
    CHECK(step.observed->reservation == by_reserve(ReservationKind::reserve6, {host('a')}));
    CHECK(step.observed->evidence == HolderEvidence::drive_event);

    SECTION("it stays known as long as the drive says that it is reserved") {
        for (int i = 0; i < 3; ++i) {
            const auto again = watched.look(by_reserve(ReservationKind::legacy));
            REQUIRE(again.observed);
            CHECK(again.observed->reservation.holders == std::vector{host('a')});
            CHECK(again.observed->source == Source::poll);
        }
    }
    SECTION("it is forgotten once the drive was free, although the event of that was lost") {
        CHECK_FALSE(watched.look(free_now()).observed);  // waits for the event of the change
        CHECK(watched.look(free_now()).observed->reservation == free_now());
        watched.look(by_reserve(ReservationKind::legacy));
        const auto unknown = watched.look(by_reserve(ReservationKind::legacy));
        CHECK(unknown.observed->reservation.holders.empty());
        CHECK(unknown.observed->evidence == HolderEvidence::none);
    }
    SECTION("the next host's event replaces it") {
        watched.say(event(Change::released, free_now(), host('a')));
        watched.say(event(Change::reserved, by_reserve(ReservationKind::reserve10, {host('b')}),
                          host('b')));
        const auto next = watched.look(by_reserve(ReservationKind::legacy));
        CHECK(next.observed->reservation == by_reserve(ReservationKind::reserve10, {host('b')}));
    }
    SECTION("events that were lost on their way end it") {
        watched.say(event(Change::lost, {}));
        watched.look(by_reserve(ReservationKind::legacy));
        CHECK(watched.look(by_reserve(ReservationKind::legacy))
                  .observed->reservation.holders.empty());
    }
}

TEST_CASE("a look that began before the event does not spoil what the event tells") {
    Watched watched;
    watched.look(free_now());
    watched.say(
        event(Change::reserved, by_reserve(ReservationKind::reserve6, {host('a')}), host('a')));
    const auto older = watched.older_look(free_now());
    REQUIRE(older.observed);
    CHECK(older.observed->reservation == free_now());
    CHECK(watched.look(by_reserve(ReservationKind::legacy)).observed->reservation.holders ==
          std::vector{host('a')});
}

TEST_CASE("a look that is quicker than the event of the same change waits for it once") {
    Watched watched;
    watched.look(free_now());
    SECTION("the event comes") {
        const auto early = watched.look(by_reserve(ReservationKind::legacy));
        CHECK_FALSE(early.observed);
        CHECK(early.look_after == grace);
        watched.say(
            event(Change::reserved, by_reserve(ReservationKind::reserve6, {host('a')}), host('a')));
        CHECK(watched.look(by_reserve(ReservationKind::legacy)).observed->reservation.holders ==
              std::vector{host('a')});
    }
    SECTION("the event is lost: the next look is reported") {
        CHECK_FALSE(watched.look(by_reserve(ReservationKind::legacy)).observed);
        const auto late = watched.look(by_reserve(ReservationKind::legacy));
        REQUIRE(late.observed);
        CHECK(late.observed->source == Source::poll);
        CHECK(late.observed->reservation == by_reserve(ReservationKind::legacy));
    }
    SECTION("without a connection to the event channel nothing waits") {
        watched.rules.connected(false);
        CHECK(watched.look(by_reserve(ReservationKind::legacy)).observed);
    }
}

TEST_CASE("an old event is not believed against what the drive answers") {
    Watched watched;
    watched.look(free_now());
    watched.say(
        event(Change::reserved, by_reserve(ReservationKind::reserve6, {host('a')}), host('a')));
    const auto step = watched.look(free_now());
    REQUIRE(step.observed);
    CHECK(step.observed->source == Source::poll);
    CHECK(step.observed->reservation == free_now());
    CHECK(watched.rules.counters().contradicted == 1);
    // Nor is its holder remembered for a later reservation.
    watched.look(by_reserve(ReservationKind::legacy));
    CHECK(watched.look(by_reserve(ReservationKind::legacy)).observed->reservation.holders.empty());
}

TEST_CASE(
    "a persistent reservation is confirmed by type, key and holders, and gets the address from the "
    "event") {
    Watched watched;
    watched.look(free_now());
    watched.say(event(Change::reserved, by_key(7, {host('a')}), host('a')));
    SECTION("the same") {
        const auto step = watched.look(by_key(7, {without_address(host('a'))}));
        CHECK(step.observed->source == Source::event_and_poll);
        CHECK(step.observed->evidence == HolderEvidence::full_status);
        CHECK(step.observed->reservation.holders == std::vector{host('a')});
        // Later looks know the address too.
        CHECK(watched.look(by_key(7, {without_address(host('a'))})).observed->reservation.holders ==
              std::vector{host('a')});
    }
    SECTION("another key") {
        watched.look(by_key(8, {without_address(host('b'))}));
        const auto step = watched.look(by_key(8, {without_address(host('b'))}));
        CHECK(step.observed->source == Source::poll);
        CHECK(step.observed->reservation.holders == std::vector{without_address(host('b'))});
    }
    SECTION("a drive without READ FULL STATUS: the event names the holder") {
        const auto step = watched.look(by_key(7));
        CHECK(step.observed->reservation.holders == std::vector{host('a')});
        CHECK(step.observed->evidence == HolderEvidence::drive_event);
    }
}

TEST_CASE("a release and a reset that frees are confirmed by a free drive") {
    for (const auto change : {Change::released, Change::reset}) {
        Watched watched;
        watched.look(by_key(7, {host('a')}));
        watched.say(event(change, free_now(), host('a')));
        const auto step = watched.look(free_now());
        REQUIRE(step.observed);
        CHECK(step.observed->source == Source::event_and_poll);
    }
}

TEST_CASE("many events between two looks: the newest one that the look answers counts") {
    Watched watched;
    watched.look(free_now());
    for (int i = 0; i < 1000; ++i) {
        watched.say(
            event(Change::reserved, by_reserve(ReservationKind::reserve6, {host('a')}), host('a')));
        watched.say(event(Change::released, free_now(), host('a')));
    }
    watched.say(
        event(Change::reserved, by_reserve(ReservationKind::reserve6, {host('b')}), host('b')));
    CHECK(watched.look(by_reserve(ReservationKind::legacy)).observed->reservation.holders ==
          std::vector{host('b')});
}

TEST_CASE("what was recorded before a restart is known as long as the drive says reserved") {
    Watched watched;
    watched.rules.remember(by_reserve(ReservationKind::reserve6, {host('a')}),
                           HolderEvidence::drive_event);
    CHECK(watched.look(by_reserve(ReservationKind::legacy)).observed->reservation ==
          by_reserve(ReservationKind::reserve6, {host('a')}));
    watched.say(event(Change::state, by_reserve(ReservationKind::reserve6, {host('b')})));
    CHECK(watched.look(by_reserve(ReservationKind::legacy)).observed->reservation.holders ==
          std::vector{host('b')});
}

// The rules and the tracker of the core each remember the holder of a RESERVE: what one forgets the
// other may not put back.
TEST_CASE("a holder that the rules have forgotten is forgotten by the core too") {
    Watched watched;
    ReservationTracker tracker;
    Reservation counts;
    const auto see = [&](const ObservationRules::Step& step) {
        if (!step.observed) return;  // waits for the event of a change
        const auto change = tracker.observe(*step.observed, {{0}, {0}}, {{1}, {1}});
        if (change) counts = change->reservation;
    };
    const auto reserved = by_reserve(ReservationKind::legacy);
    see(watched.look(free_now()));
    watched.say(
        event(Change::reserved, by_reserve(ReservationKind::reserve6, {host('a')}), host('a')));
    see(watched.look(reserved));
    REQUIRE(counts.holders == std::vector{host('a')});

    SECTION("its release is told, and the drive is reserved when it is looked at") {
        watched.say(event(Change::released, free_now(), host('a')));
    }
    SECTION("an event names nobody") {
        watched.say(event(Change::reserved, by_reserve(ReservationKind::reserve6)));
    }
    SECTION("events were lost") {
        watched.say(event(Change::lost, {}));
    }
    SECTION("a look found it free, for too short a time to be told") {
        CHECK_FALSE(watched.look(free_now()).observed);
    }
    see(watched.look(reserved));
    see(watched.look(reserved));
    CHECK(counts.state == ReservationState::reserved);
    CHECK(counts.holders.empty());
}

TEST_CASE("a drive without an interface is known by its events alone") {
    ObservationRules rules(drive, false, grace);
    auto step = rules.event(
        event(Change::reserved, by_reserve(ReservationKind::reserve6, {host('a')}), host('a')));
    CHECK_FALSE(step.look_now);
    REQUIRE(step.observed);
    CHECK(step.observed->source == Source::drive_event);
    CHECK(step.observed->evidence == HolderEvidence::drive_event);
    CHECK(step.observed->reservation.holders == std::vector{host('a')});
    step = rules.event(event(Change::released, free_now(), host('a')));
    CHECK(step.observed->reservation == free_now());
    CHECK(step.observed->evidence == HolderEvidence::none);
    CHECK(rules.event(event(Change::lost, {})).observed->reservation.state ==
          ReservationState::unknown);
}

TEST_CASE("of two mount keys the epoch tells which is newer, also beyond its twenty bits") {
    const std::uint64_t library = mount_key_family("vault");
    const auto newer = [&](std::uint64_t epoch, std::uint64_t than) {
        return is_newer_mount_key(mount_key(library, 1, epoch), mount_key(library, 2, than));
    };
    CHECK(newer(8, 7));
    CHECK_FALSE(newer(7, 7));
    CHECK_FALSE(newer(6, 7));
    CHECK(newer(1'008, 7));
    CHECK(newer(0x100001, 0xfffff));
    CHECK_FALSE(newer(0xfffff, 0x100001));
}

TEST_CASE("a drive that a controller of this library holds for a mount is free for hosts") {
    const std::uint64_t library = mount_key_family("vault");
    const auto seen = [&](std::uint64_t family, const Reservation& reservation) {
        Watched watched;
        watched.rules.mount_keys(family);
        watched.rules.own_key(0x4c52410000000001);
        for (;;) {
            const auto step = watched.rules.look(reading(reservation), ++watched.ticket);
            if (step.observed) return *step.observed;
        }
    };
    const Reservation held = by_key(mount_key(library, 2, 7), {host('c')});
    const auto own = seen(library, held);
    CHECK(own.reservation == free_now());
    CHECK(own.evidence == HolderEvidence::none);
    CHECK(seen(mount_key_family("annex"), held).reservation == held);
    CHECK(seen(0, held).reservation == held);
    const auto fenced = seen(library, by_key(0x4c52410000000001));
    CHECK(fenced.held_by_controller);
    CHECK(fenced.reservation.state == ReservationState::reserved);
}

TEST_CASE("a reservation with the controller's own key is told as the controller's") {
    Watched watched;
    watched.rules.own_key(0x4c52410000000001);
    const auto seen = [&](const Reservation& reservation) {
        for (;;) {
            const auto step = watched.rules.look(reading(reservation), ++watched.ticket);
            if (step.observed) return step.observed->held_by_controller;
        }
    };
    CHECK_FALSE(seen(free_now()));
    CHECK(seen(by_key(0x4c52410000000001)));
    CHECK(seen(by_key(0x4c52410000000001, {host('c')})));
    CHECK_FALSE(seen(by_key(0x4c52410000000002, {host('c')})));
    CHECK_FALSE(seen(by_reserve(ReservationKind::legacy)));
    watched.rules.own_key(0);
    CHECK_FALSE(seen(by_key(0)));
}

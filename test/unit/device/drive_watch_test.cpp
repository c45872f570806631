#include "drive_iface/device/drive_watch.hpp"

#include <asio/io_context.hpp>
#include <chrono>
#include <functional>

#include "test/unit/device/recorded_transport.hpp"

using namespace agent::core;
using namespace drive_iface;
using events::DriveEvent;

namespace {

const InitiatorPort host_a{agent::core::Transport::iscsi, "iqn.2026-01.org.example:host-a",
                           "00023d000001", "192.0.2.1"};

struct Loop {
    asio::io_context loop;
    std::vector<ReservationAgentInput> inputs;  // without those in `examined`
    std::vector<DriveExamined> examined;
    DriveWatch::Handler handler() {
        return [this](const ReservationAgentInput& input) {
            const auto* look = std::get_if<DriveExamined>(&input);
            if (look == nullptr) return inputs.push_back(input);
            examined.push_back(*look);
        };
    }
    bool run_until(const std::function<bool()>& enough) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!enough()) {
            loop.restart();
            if (loop.run_one_until(end) == 0) return false;
        }
        return true;
    }
    const DriveObserved& observed() const { return std::get<DriveObserved>(inputs.back()); }
};

DriveEvent reserved_by_a() {
    Reservation after{
        ReservationState::reserved, ReservationKind::reserve6, std::nullopt, {host_a}};
    return events::make_drive_event({"DRV0001"}, DriveEvent::Change::reserved, after, host_a, "");
}

}  // namespace

TEST_CASE("an event leads to a look at once, and both to one observation") {
    Loop test;
    auto transport = std::make_unique<RecordedTransport>();
    transport->on("INQUIRY", good(capture("lio-inquiry-std")))
        .on("VPD 80", good(capture("lio-vpd80")))
        .on("REPORT CAPABILITIES", good(capture("lio-reportcap")))
        .on("READ FULL STATUS", good(capture("lio-fullstatus-empty")))
        .on("READ RESERVATION", good(capture("lio-readres-empty")))
        .on("READ RESERVATION", conflict());
    DriveWatchOptions options;
    options.poller.serial = {"DRV0001"};
    options.poller.poll = options.poller.poll_fast = {3'600'000};
    DriveWatch watch(test.loop, options, std::move(transport), test.handler());
    CHECK(watch.is_polled());
    watch.event_channel(true);
    REQUIRE(test.run_until([&] { return test.inputs.size() == 1; }));
    CHECK(test.observed().reservation.state == ReservationState::free);
    bool settled = false;
    watch.event(reserved_by_a(), [&] {
        settled = true;
        CHECK(test.inputs.size() == 2);  // not before the observation was dealt with
    });
    REQUIRE(test.run_until([&] { return settled; }));
    CHECK(test.observed().source == DriveObserved::Source::event_and_poll);
    CHECK(test.observed().reservation.holders == std::vector{host_a});
    watch.look_now();
    REQUIRE(test.run_until([&] { return test.inputs.size() == 3; }));
    CHECK(test.observed().reservation.holders == std::vector{host_a});
    CHECK(watch.counters().observations.confirmed == 1);
    // What else each look told comes before what it led to.
    REQUIRE(test.examined.size() == 3);
    CHECK(test.examined[0].seen.state == ReservationState::free);
    REQUIRE(test.examined[0].registrations.has_value());
    CHECK(test.examined[0].registrations->empty());
    CHECK(test.examined[1].seen.kind == ReservationKind::legacy);
    CHECK_FALSE(test.examined[1].registrations.has_value());  // a RESERVE hides them
    REQUIRE(watch.capabilities().has_value());
    CHECK(watch.capabilities()->compatible_reservation_handling == Ability::yes);
}

TEST_CASE("a drive that can not be asked is unreachable, in words") {
    Loop test;
    auto transport = std::make_unique<RecordedTransport>();
    transport->on("INQUIRY", Error{"no route to host"});
    DriveWatchOptions options;
    options.poller.serial = {"DRV0001"};
    DriveWatch watch(test.loop, options, std::move(transport), test.handler());
    REQUIRE(test.run_until([&] { return test.inputs.size() == 1; }));
    CHECK_THAT(std::get<DriveUnreachable>(test.inputs[0]).why,
               ContainsSubstring("no route to host"));
}

TEST_CASE("an event of a drive that does not answer its look is settled after a while") {
    Loop test;
    auto transport = std::make_unique<RecordedTransport>();
    transport->on("INQUIRY", Error{"no route to host"});
    DriveWatchOptions options;
    options.poller.serial = {"DRV0001"};
    options.poller.poll = {3'600'000};
    options.settle_within = {20};
    DriveWatch watch(test.loop, options, std::move(transport), test.handler());
    watch.event_channel(true);
    bool settled = false;
    watch.event(reserved_by_a(), [&] { settled = true; });
    CHECK(test.run_until([&] { return settled; }));
    CHECK(watch.counters().observations.confirmed == 0);
}

TEST_CASE("a drive known by events alone is unreachable while it is not connected") {
    Loop test;
    DriveWatchOptions options;
    options.poller.serial = {"DRV0001"};
    options.silent_after = {10};
    DriveWatch watch(test.loop, options, nullptr, test.handler());
    CHECK_FALSE(watch.is_polled());
    REQUIRE(test.run_until([&] { return test.inputs.size() == 1; }));
    CHECK_THAT(std::get<DriveUnreachable>(test.inputs[0]).why, ContainsSubstring("not connected"));
    watch.event_channel(true);
    bool settled = false;
    watch.event(reserved_by_a(), [&] { settled = test.inputs.size() == 2; });
    REQUIRE(test.run_until([&] { return settled; }));
    CHECK(test.observed().source == DriveObserved::Source::drive_event);
    watch.event_channel(false);
    REQUIRE(test.run_until([&] { return test.inputs.size() == 3; }));
    CHECK(std::holds_alternative<DriveUnreachable>(test.inputs[2]));
}

TEST_CASE("a watch may be ended by its own handler") {
    asio::io_context loop;
    std::unique_ptr<DriveWatch> watch;
    int calls = 0;
    DriveWatchOptions options;
    options.poller.serial = {"DRV0001"};
    watch = std::make_unique<DriveWatch>(loop, options, nullptr, [&](const ReservationAgentInput&) {
        ++calls;
        watch.reset();
    });
    watch->event_channel(true);
    watch->event(reserved_by_a(), [] {});
    watch->event(reserved_by_a(), [] {});
    loop.run_for(std::chrono::seconds(5));
    CHECK(calls == 1);
}

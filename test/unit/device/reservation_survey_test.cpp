#include "drive_iface/device/reservation_survey.hpp"

#include "drive_iface/scsi/reserve.hpp"
#include "test/unit/device/fence_bench.hpp"

using namespace agent::core;
using namespace drive_iface;
using scsi::PrOutAction;

TEST_CASE("a survey names holder, registrants and what the drive does") {
    FenceBench bench;
    bench.reserve_by_a(3);
    REQUIRE(FenceBench::out(*bench.b, PrOutAction::register_key, 0, 0, 0xb) == scsi::status::good);
    const auto survey = survey_reservations(*bench.controller, fence_bench_timeout);
    REQUIRE(survey.ok());
    CHECK(survey->reservation.persistent == PersistentReservation{3, 0xabc});
    REQUIRE(survey->registrants.size() == 2);
    CHECK(survey->registrants[0].key == 0xabc);
    CHECK(survey->registrants[0].holder);
    CHECK(survey->registrants[0].port->name == "iqn.2026-01.org.example:a");
    CHECK_FALSE(survey->registrants[1].holder);
    REQUIRE(survey->status);
    CHECK(survey->status->activity == 0);
}

TEST_CASE("a survey of a drive that tells little says what it does not tell") {
    FenceBench bench;
    REQUIRE(FenceBench::send(*bench.a, scsi::reserve_6_cdb()) == scsi::status::good);
    const auto survey = survey_reservations(*bench.controller, fence_bench_timeout);
    REQUIRE(survey.ok());
    CHECK(survey->reservation.kind == ReservationKind::legacy);
    CHECK(survey->registrants.empty());

    RecordedTransport bare;  // answers 5h/20h/00h to everything
    const auto nothing = survey_reservations(bare, fence_bench_timeout);
    REQUIRE(nothing.ok());
    CHECK_FALSE(nothing->status);
    CHECK_THAT(nothing->no_status, ContainsSubstring("LOG SENSE page 11h"));
}

TEST_CASE(
    "a reservation of every type is ended by preempting its key, and nothing is left behind") {
    for (const auto type : scsi::pr_types) {
        INFO(scsi::name(type));
        FenceBench bench;
        const auto code = static_cast<std::uint8_t>(type);
        bench.reserve_by_a(code);
        REQUIRE(FenceBench::out(*bench.b, PrOutAction::register_key, 0, 0, 0xb) ==
                scsi::status::good);
        const auto held = bench.held();
        REQUIRE(held);
        bench.a.reset();  // the host is gone, its registration is not
        REQUIRE(end_persistent_reservation(*bench.controller, fence_bench_key,
                                           {held->type, held->key}, fence_bench_timeout)
                    .ok());
        CHECK_FALSE(bench.held());
        CHECK(bench.keys_of_controller() == 0);
        const bool everybody = scsi::is_all_registrants(type);
        CHECK(bench.keys().size() == (everybody ? 0 : 1));
    }
}

TEST_CASE("only the reservation that was meant is ended") {
    FenceBench bench;
    bench.reserve_by_a(3);
    const auto other = end_persistent_reservation(*bench.controller, fence_bench_key, {3, 0xdead},
                                                  fence_bench_timeout);
    REQUIRE_FALSE(other.ok());
    CHECK_THAT(other.error().message, ContainsSubstring("another one by now"));
    CHECK(bench.held()->key == 0xabc);
    CHECK(bench.keys_of_controller() == 0);

    REQUIRE(FenceBench::out(*bench.a, PrOutAction::release, 3, 0xabc, 0) == scsi::status::good);
    CHECK_FALSE(end_persistent_reservation(*bench.controller, fence_bench_key, {3, 0xabc},
                                           fence_bench_timeout)
                    .ok());
}

TEST_CASE("a drive that refuses PREEMPT keeps its reservation, and no key of the controller") {
    FenceBench bench;
    bench.reserve_by_a(3);
    WithoutAction without(*bench.controller, {PrOutAction::preempt});
    const auto ended =
        end_persistent_reservation(without, fence_bench_key, {3, 0xabc}, fence_bench_timeout);
    REQUIRE_FALSE(ended.ok());
    CHECK_THAT(ended.error().message, ContainsSubstring("PREEMPT"));
    CHECK(bench.held()->key == 0xabc);
    CHECK(bench.keys_of_controller() == 0);
}

TEST_CASE("a logical unit reset ends a RESERVE and leaves a persistent reservation") {
    FenceBench bench;
    REQUIRE(FenceBench::send(*bench.a, scsi::reserve_6_cdb()) == scsi::status::good);
    REQUIRE(bench.controller->reset_logical_unit(fence_bench_timeout).ok());
    CHECK(FenceBench::send(*bench.b, scsi::reserve_6_cdb()) == scsi::status::good);
    REQUIRE(FenceBench::send(*bench.b, scsi::release_6_cdb()) == scsi::status::good);
    bench.reserve_by_a(3);
    REQUIRE(bench.controller->reset_logical_unit(fence_bench_timeout).ok());
    CHECK(bench.held()->key == 0xabc);
}

TEST_CASE("a path that can not reset says so") {
    RecordedTransport recorded;
    CHECK_THAT(recorded.reset_logical_unit(fence_bench_timeout).error().message,
               ContainsSubstring("no way to reset"));
}

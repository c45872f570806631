#include "drive_iface/device/fence.hpp"

#include <functional>

#include "drive_iface/device/fence_key.hpp"
#include "drive_iface/device/virtual_transport.hpp"
#include "drive_iface/scsi/reserve.hpp"
#include "drive_iface/virtual/library.hpp"
#include "drive_iface/virtual/memory_cartridge.hpp"
#include "test/unit/device/fence_bench.hpp"

using namespace agent::core;
using namespace drive_iface;
using scsi::PrOutAction;

namespace {

constexpr std::uint64_t other_key = 0xabc;

void check_fenced(FenceBench& bench) {
    const auto held = bench.held();
    REQUIRE(held);
    CHECK(held->key == fence_bench_key);
    CHECK(held->type == 3);
    CHECK(FenceBench::send(*bench.a, rewind_cdb) == scsi::status::reservation_conflict);
    CHECK(FenceBench::send(*bench.b, rewind_cdb) == scsi::status::reservation_conflict);
}

void check_free(FenceBench& bench) {
    CHECK_FALSE(bench.held());
    CHECK(bench.keys_of_controller() == 0);
    CHECK(FenceBench::send(*bench.a, rewind_cdb) == scsi::status::good);
}

}  // namespace

TEST_CASE("the key of a fence is recognised, lasting, and another one for another controller") {
    CHECK(fence_key("library-1") == fence_key("library-1"));
    CHECK(fence_key("library-1") != fence_key("library-2"));
    CHECK(is_fence_key(fence_key("library-1")));
    CHECK(is_fence_key(fence_key("")));
    CHECK_FALSE(is_fence_key(0));
    CHECK_FALSE(is_fence_key(0x4000000000c00002ULL));
    CHECK(agent::core::reservation_key_text(0xabcdef01) == "00000000abcdef01");
    CHECK(agent::core::reservation_key_text(fence_key("library-1")).rfind("4c5241", 0) == 0);
}

TEST_CASE("what to do next is told by the drive's answer alone") {
    using Held = scsi::ReadReservationData::Held;
    const std::uint64_t key = fence_bench_key;
    const FenceView free{};
    const FenceView by_reserve{.reserved_by_reserve = true, .held = {}, .registered = true};
    const FenceView ours{.reserved_by_reserve = false, .held = Held{key, 0, 3}};
    const FenceView ours_of_another_type{.reserved_by_reserve = false, .held = Held{key, 0, 6}};
    const FenceView theirs{.reserved_by_reserve = false, .held = Held{other_key, 0, 3}};
    const auto registered = [](FenceView view) {
        view.registered = true;
        return view;
    };
    CHECK(next_move_to_raise(free, key) == FenceMove::register_key);
    CHECK(next_move_to_raise(registered(free), key) == FenceMove::reserve);
    CHECK(next_move_to_raise(theirs, key) == FenceMove::register_key);
    CHECK(next_move_to_raise(registered(theirs), key) == FenceMove::preempt);
    CHECK(next_move_to_raise(registered(ours_of_another_type), key) == FenceMove::preempt);
    CHECK(next_move_to_raise(ours, key) == FenceMove::done);
    CHECK(next_move_to_raise(by_reserve, key) == FenceMove::blocked);

    CHECK(next_move_to_lift(free, key) == FenceMove::done);
    CHECK(next_move_to_lift(theirs, key) == FenceMove::done);
    CHECK(next_move_to_lift(by_reserve, key) == FenceMove::done);
    CHECK(next_move_to_lift(ours, key) == FenceMove::release);
    CHECK(next_move_to_lift(ours_of_another_type, key) == FenceMove::release);
}

TEST_CASE("a free drive is fenced, seen as fenced, and given back") {
    FenceBench bench;
    const auto raised = raise_fence(*bench.controller, fence_bench_key, fence_bench_timeout);
    REQUIRE(raised.ok());
    CHECK(raised->steps == std::vector<std::string>{"REGISTER AND IGNORE EXISTING KEY", "RESERVE"});
    check_fenced(bench);
    CHECK(FenceBench::send(*bench.a, scsi::test_unit_ready_cdb()) == scsi::status::good);

    const auto again = raise_fence(*bench.controller, fence_bench_key, fence_bench_timeout);
    REQUIRE(again.ok());
    CHECK(again->steps.empty());

    REQUIRE(lift_fence(*bench.controller, fence_bench_key, fence_bench_timeout).ok());
    check_free(bench);
    REQUIRE(lift_fence(*bench.controller, fence_bench_key, fence_bench_timeout).ok());
}

TEST_CASE("a persistent reservation of every type is preempted, with its commands") {
    for (const auto type : scsi::pr_types) {
        INFO(scsi::name(type));
        FenceBench bench;
        bench.reserve_by_a(static_cast<std::uint8_t>(type));
        REQUIRE(FenceBench::out(*bench.b, PrOutAction::register_key, 0, 0, 0xb) ==
                scsi::status::good);
        const auto raised = raise_fence(*bench.controller, fence_bench_key, fence_bench_timeout);
        REQUIRE(raised.ok());
        CHECK_FALSE(raised->not_aborted);
        CHECK_THAT(to_text(*raised), ContainsSubstring("PREEMPT AND ABORT"));
        check_fenced(bench);
        // A host that registers again does not get through, and does not make the fence fall.
        CHECK(FenceBench::out(*bench.a, PrOutAction::register_and_ignore_existing_key, 0, 0, 9) ==
              scsi::status::good);
        CHECK(FenceBench::out(*bench.a, PrOutAction::reserve, 3, 9, 0) ==
              scsi::status::reservation_conflict);
        check_fenced(bench);
        REQUIRE(lift_fence(*bench.controller, fence_bench_key, fence_bench_timeout).ok());
        check_free(bench);
        CHECK(FenceBench::out(*bench.a, PrOutAction::reserve, 3, 9, 0) == scsi::status::good);
    }
}

TEST_CASE("under a RESERVE no fence is possible, and the error says what helps") {
    FenceBench bench;
    REQUIRE(FenceBench::send(*bench.a, scsi::reserve_6_cdb()) == scsi::status::good);
    const auto raised = raise_fence(*bench.controller, fence_bench_key, fence_bench_timeout);
    REQUIRE_FALSE(raised.ok());
    CHECK_THAT(raised.error().message, ContainsSubstring("RESERVE(6)") &&
                                           ContainsSubstring("not fenced") &&
                                           ContainsSubstring("lractl drive release"));
    CHECK(FenceBench::send(*bench.a, rewind_cdb) == scsi::status::good);
    REQUIRE(lift_fence(*bench.controller, fence_bench_key, fence_bench_timeout).ok());
    REQUIRE(FenceBench::send(*bench.a, scsi::release_6_cdb()) == scsi::status::good);
    REQUIRE(raise_fence(*bench.controller, fence_bench_key, fence_bench_timeout).ok());
    check_fenced(bench);
}

TEST_CASE("a fence that somebody preempted is missing, and put up again") {
    FenceBench bench;
    REQUIRE(raise_fence(*bench.controller, fence_bench_key, fence_bench_timeout).ok());
    REQUIRE(FenceBench::out(*bench.a, PrOutAction::register_key, 0, 0, 7) == scsi::status::good);
    REQUIRE(FenceBench::out(*bench.a, PrOutAction::preempt, 3, 7, fence_bench_key) ==
            scsi::status::good);
    CHECK(bench.held()->key == 7);
    const auto raised = raise_fence(*bench.controller, fence_bench_key, fence_bench_timeout);
    REQUIRE(raised.ok());
    CHECK(raised->steps.front() == "REGISTER AND IGNORE EXISTING KEY");
    check_fenced(bench);
}

// Both where the command never reached the drive and where only its answer was lost; the process
// that comes after has a new session from the same port.
TEST_CASE("whatever was cut off at any command, the next call comes to the same end") {
    for (const bool carried_out : {false, true}) {
        for (int stop_after = 0;; ++stop_after) {
            INFO("cut at command " << stop_after << ", carried out: " << carried_out);
            FenceBench bench;
            bench.reserve_by_a(3);
            CutTransport cut(*bench.controller, stop_after, carried_out);
            const auto first = raise_fence(cut, fence_bench_key, fence_bench_timeout);
            bench.controller_returns();
            REQUIRE(raise_fence(*bench.controller, fence_bench_key, fence_bench_timeout).ok());
            check_fenced(bench);

            CutTransport cut_too(*bench.controller, stop_after, carried_out);
            const auto second = lift_fence(cut_too, fence_bench_key, fence_bench_timeout);
            bench.controller_returns();
            REQUIRE(lift_fence(*bench.controller, fence_bench_key, fence_bench_timeout).ok());
            check_free(bench);
            if (first.ok() && second.ok()) {
                CHECK(stop_after > 5);  // it was really cut in many places
                break;
            }
        }
    }
}

// A unit attention, BUSY and TASK SET FULL are answered instead of carrying a command out.
TEST_CASE("one passing refusal at any command does not keep the fence from standing") {
    for (const auto& refusal : {check(6, 0x2a, 3), ScsiReply{scsi::status::busy, {}, {}},
                                ScsiReply{scsi::status::task_set_full, {}, {}}}) {
        for (int at = 0; at < 12; ++at) {
            INFO("status " << int{refusal.status} << " at command " << at);
            FenceBench bench;
            bench.reserve_by_a(6);
            RefusingTransport refusing(*bench.controller, at, refusal);
            auto raised = raise_fence(refusing, fence_bench_key, fence_bench_timeout);
            // BUSY to a question is an error: asked again by the next attempt.
            if (!raised)
                raised = raise_fence(*bench.controller, fence_bench_key, fence_bench_timeout);
            REQUIRE(raised.ok());
            check_fenced(bench);
            RefusingTransport refusing_again(*bench.controller, at, refusal);
            auto lifted = lift_fence(refusing_again, fence_bench_key, fence_bench_timeout);
            if (!lifted)
                lifted = lift_fence(*bench.controller, fence_bench_key, fence_bench_timeout);
            REQUIRE(lifted.ok());
            check_free(bench);
        }
    }
}

TEST_CASE("a drive without PREEMPT AND ABORT is fenced by PREEMPT, and that is said") {
    FenceBench bench;
    bench.reserve_by_a(3);
    WithoutAction without(*bench.controller, {PrOutAction::preempt_and_abort});
    const auto raised = raise_fence(without, fence_bench_key, fence_bench_timeout);
    REQUIRE(raised.ok());
    CHECK(raised->not_aborted);
    CHECK_THAT(to_text(*raised),
               ContainsSubstring("PREEMPT of key 0000000000000abc") && ContainsSubstring("go on"));
    check_fenced(bench);
}

TEST_CASE("a drive without REGISTER AND IGNORE EXISTING KEY is fenced by REGISTER") {
    FenceBench bench;
    WithoutAction without(*bench.controller, {PrOutAction::register_and_ignore_existing_key});
    REQUIRE(raise_fence(without, fence_bench_key, fence_bench_timeout).ok());
    check_fenced(bench);
    REQUIRE(FenceBench::out(*bench.controller, PrOutAction::release, 3, fence_bench_key, 0) ==
            scsi::status::good);
    REQUIRE(raise_fence(without, fence_bench_key, fence_bench_timeout).ok());  // registered already
    check_fenced(bench);
    REQUIRE(lift_fence(without, fence_bench_key, fence_bench_timeout).ok());
    check_free(bench);
}

TEST_CASE("a drive without persistent reservations can not be fenced, and has nothing to lift") {
    RecordedTransport drive;  // answers 5h/20h/00h to everything
    const auto raised = raise_fence(drive, fence_bench_key, fence_bench_timeout);
    REQUIRE_FALSE(raised.ok());
    CHECK_THAT(raised.error().message, ContainsSubstring("another offline.actuator"));
    CHECK(lift_fence(drive, fence_bench_key, fence_bench_timeout).ok());
}

TEST_CASE("a drive that supports other types only can not be fenced") {
    RecordedTransport drive;
    scsi::PrCapabilities capabilities;
    capabilities.types = {scsi::PrType::write_exclusive};
    drive.on("REPORT CAPABILITIES", good(scsi::encode_report_capabilities(capabilities)));
    const auto raised = raise_fence(drive, fence_bench_key, fence_bench_timeout);
    REQUIRE_FALSE(raised.ok());
    CHECK_THAT(raised.error().message, ContainsSubstring("Exclusive Access"));
    CHECK(drive.sent == std::vector<std::string>{"REPORT CAPABILITIES"});
}

// After the ISID or the HBA port changed, the same key stands for a path that is gone.
TEST_CASE("a fence that an earlier path of the same controller left is known and can be lifted") {
    FenceBench bench;
    REQUIRE(raise_fence(*bench.controller, fence_bench_key, fence_bench_timeout).ok());
    const auto other_path = bench.path("controller", "00023d00ffff");
    const auto raised = raise_fence(*other_path, fence_bench_key, fence_bench_timeout);
    REQUIRE(raised.ok());
    CHECK(raised->steps.empty());
    REQUIRE(lift_fence(*other_path, fence_bench_key, fence_bench_timeout).ok());
    check_free(bench);
}

TEST_CASE("a registration of an earlier path that holds nothing is removed with the fence") {
    FenceBench bench;
    REQUIRE(FenceBench::out(*bench.controller, PrOutAction::register_key, 0, 0, fence_bench_key) ==
            scsi::status::good);
    const auto other_path = bench.path("controller", "00023d00ffff");
    REQUIRE(raise_fence(*other_path, fence_bench_key, fence_bench_timeout).ok());
    REQUIRE(lift_fence(*other_path, fence_bench_key, fence_bench_timeout).ok());
    check_free(bench);
}

TEST_CASE("hosts keep their registrations, and whether these survive power loss, after a fence") {
    for (const bool persist : {false, true}) {
        FenceBench bench;
        scsi::PrOutParameters parameters;
        parameters.service_action_reservation_key = 0xb;
        parameters.persist = persist;
        REQUIRE(FenceBench::out(*bench.b, PrOutAction::register_key, 0, parameters) ==
                scsi::status::good);
        REQUIRE(raise_fence(*bench.controller, fence_bench_key, fence_bench_timeout).ok());
        bench.library.power_cycle();
        bench.everybody_returns();
        CHECK(bench.held()->key == fence_bench_key);  // APTPL
        REQUIRE(lift_fence(*bench.controller, fence_bench_key, fence_bench_timeout).ok());
        CHECK(bench.keys() == std::vector<std::uint64_t>{0xb});
    }
}

TEST_CASE("a target that offers APTPL and refuses it is fenced without") {
    FenceBench bench;
    WithoutPersistence without(*bench.controller);
    REQUIRE(raise_fence(without, fence_bench_key, fence_bench_timeout).ok());
    check_fenced(bench);
}

TEST_CASE("hosts that take the drive back each time end the attempt with an error in words") {
    FenceBench bench;
    bench.reserve_by_a(3);
    DoneAfter taking_back(*bench.controller, PrOutAction::preempt_and_abort, [&] {
        FenceBench::out(*bench.a, PrOutAction::register_and_ignore_existing_key, 0, 0, other_key);
        FenceBench::out(*bench.a, PrOutAction::preempt, 3, other_key, fence_bench_key);
    });
    const auto raised = raise_fence(taking_back, fence_bench_key, fence_bench_timeout);
    REQUIRE_FALSE(raised.ok());
    CHECK_THAT(raised.error().message,
               ContainsSubstring("16 attempts") && ContainsSubstring("key 0000000000000abc"));
}

TEST_CASE("a registration that is removed before the reservation is made again") {
    FenceBench bench;
    REQUIRE(FenceBench::out(*bench.a, PrOutAction::register_key, 0, 0, other_key) ==
            scsi::status::good);
    int removals = 2;
    DoneAfter meddled(*bench.controller, PrOutAction::register_and_ignore_existing_key, [&] {
        if (removals-- > 0)
            FenceBench::out(*bench.a, PrOutAction::preempt, 3, other_key, fence_bench_key);
    });
    REQUIRE(raise_fence(meddled, fence_bench_key, fence_bench_timeout).ok());
    CHECK(removals == -1);  // registered three times
    check_fenced(bench);
}

TEST_CASE("a drive that reports a permanent error to everyone says so instead of being fenced") {
    FenceBench bench;
    REQUIRE(bench.library.force_offline("VT00000001", "test").ok());
    const auto raised = raise_fence(*bench.controller, fence_bench_key, fence_bench_timeout);
    REQUIRE_FALSE(raised.ok());
    CHECK_THAT(raised.error().message, ContainsSubstring("4h/44h/00h"));
}

#include "agent/core/drive_decision.hpp"

#include "test/unit/core/host.hpp"

using namespace core_test;

namespace {

Notice told(const Reservation& reservation, const DomainName& domain = {}) {
    Notice notice;
    notice.reservation = reservation;
    notice.holder_domain = domain;
    return notice;
}

}  // namespace

TEST_CASE("mine is what an own port holds or what the own domain holds") {
    const auto host = host_beta();
    CHECK(verdict_of(told(reserved_by(port_b)), host) == Verdict::mine);
    CHECK(verdict_of(told(reserved_by(port_c), "archive"), host) == Verdict::mine);
    CHECK(verdict_of(told(reserved_by(port_a), "payroll"), host) == Verdict::keep_off);
    CHECK(verdict_of(told(reserved_by_nobody_knows_whom()), host) == Verdict::keep_off);
    CHECK(verdict_of(told(free_drive()), host) == Verdict::free);
    CHECK(verdict_of(told({}), host) == Verdict::not_known);
    auto without_domain = host;
    without_domain.domain.clear();
    CHECK(verdict_of(told(reserved_by(port_c), ""), without_domain) == Verdict::keep_off);
}

TEST_CASE("one own port among many holders is enough") {
    Reservation registrants = persistent(port_a, 7, 0);
    registrants.holders.push_back(port_b);
    CHECK(verdict_of(told(registrants), host_beta()) == Verdict::mine);
}

TEST_CASE("a drive that refuses everyone is kept off, whoever holds it") {
    for (auto state : {OperationalState::forced_offline, OperationalState::unprotected}) {
        Notice notice = told(reserved_by(port_b));
        notice.operational_state = state;
        CHECK(verdict_of(notice, host_beta()) == Verdict::keep_off);
        notice.reservation = free_drive();
        CHECK(verdict_of(notice, host_beta()) == Verdict::keep_off);
    }
}

TEST_CASE("the first move for every verdict, state and ledger") {
    struct Row {
        Verdict verdict;
        ApplicationDriveState state;
        bool in_ledger;
        NextMove move;
    };
    using enum ApplicationDriveState;
    using enum NextMove;
    const Row rows[] = {
        {Verdict::keep_off, online, false, take_offline},
        {Verdict::keep_off, online, true, take_offline},
        {Verdict::keep_off, offline, false, confirm_already_offline},
        {Verdict::keep_off, offline, true, confirm_set_offline},
        {Verdict::keep_off, draining, false, wait_for_drain},
        {Verdict::keep_off, draining, true, wait_for_drain},
        {Verdict::keep_off, unknown, false, report_unknown},
        {Verdict::keep_off, unknown, true, report_unknown},
        {Verdict::mine, online, false, confirm_holder_is_mine},
        {Verdict::mine, online, true, confirm_holder_is_mine},
        {Verdict::mine, offline, false, confirm_holder_is_mine},
        {Verdict::mine, offline, true, bring_online},
        {Verdict::mine, draining, true, bring_online},
        {Verdict::mine, unknown, true, confirm_holder_is_mine},
        {Verdict::mine, unknown, false, confirm_holder_is_mine},
        {Verdict::free, online, false, confirm_already_online},
        {Verdict::free, online, true, confirm_already_online},
        {Verdict::free, offline, false, confirm_left_to_operator},
        {Verdict::free, offline, true, bring_online},
        {Verdict::free, draining, false, confirm_left_to_operator},
        {Verdict::free, draining, true, bring_online},
        {Verdict::free, unknown, false, report_unknown},
        {Verdict::free, unknown, true, report_unknown},
        {Verdict::not_known, online, false, confirm_already_online},
        {Verdict::not_known, offline, true, confirm_already_offline},
        {Verdict::not_known, unknown, false, report_unknown},
    };
    for (const auto& row : rows) {
        CAPTURE(static_cast<int>(row.verdict), to_text(row.state), row.in_ledger);
        CHECK(first_move(row.verdict, row.state, row.in_ledger) == row.move);
    }
}

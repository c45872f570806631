#include "agent/core/handshake.hpp"

#include "test/unit/core/controller.hpp"

using namespace core_test;

namespace {

const DebtKey key{drive_1, "beta"};
Now at_ms(std::int64_t ms) {
    return {{ms}, {ms}};
}
NoticeId id(std::uint64_t sequence) {
    return {1, sequence};
}
constexpr HandshakeTimes ten_seconds_one_retry{{10'000}, 1};

}  // namespace

TEST_CASE("every row of the debt table keeps its promise about clocks") {
    for (const auto& row : debt_table) {
        CAPTURE(row.why);
        CHECK_FALSE(row.why.empty());
        // Superseding never restarts a running clock.
        if (row.event == DebtEvent::notice && row.from != DebtState::settled) {
            CHECK(row.action == DebtAction::append);
            CHECK(row.to == row.from);
        }
        // Only an answer, an excuse or the administrator ends a debt.
        if (row.to == DebtState::settled && row.from != DebtState::settled) {
            CHECK((row.event == DebtEvent::confirmed_newest ||
                   row.event == DebtEvent::agent_excused ||
                   row.event == DebtEvent::administrator_cleared));
        }
    }
}

TEST_CASE("the clock of a debt runs from its oldest unconfirmed notice") {
    Handshake handshake(ten_seconds_one_retry);
    handshake.told(key, DebtEvent::notice, id(1), false, at_ms(0));
    for (std::uint64_t sequence = 2; sequence < 20; ++sequence) {
        handshake.told(key, DebtEvent::notice, id(sequence), false,
                       at_ms(static_cast<std::int64_t>(sequence) * 500));
    }
    CHECK(handshake.next_wakeup() == Instant{10'000});
    REQUIRE(handshake.timeouts({10'000}).size() == 1);
    handshake.timed_out(key, DebtEvent::timeout_with_retry_left, {10'000});
    CHECK(handshake.next_wakeup() == Instant{20'000});
    CHECK(handshake.timeouts({20'000}).front().second == DebtEvent::timeout_budget_spent);
}

TEST_CASE("a confirmation counts for everything older and moves the clock to the next") {
    Handshake handshake(ten_seconds_one_retry);
    handshake.told(key, DebtEvent::notice, id(1), false, at_ms(0));
    handshake.told(key, DebtEvent::notice, id(2), false, at_ms(3'000));
    handshake.told(key, DebtEvent::notice, id(3), false, at_ms(4'000));
    CHECK(handshake.answered(key, id(2), ConfirmationResult::set_offline, "", at_ms(5'000)) ==
          DebtAction::trim);
    CHECK(handshake.next_wakeup() == Instant{14'000});
    CHECK(handshake.record_of(key).unconfirmed == std::vector{id(3)});
    CHECK(handshake.answered(key, id(3), ConfirmationResult::set_offline, "", at_ms(6'000)) ==
          DebtAction::settle);
    CHECK(handshake.debts().empty());
    CHECK_FALSE(handshake.next_wakeup());
}

TEST_CASE("draining restarts the clock three times and no more") {
    Handshake handshake(ten_seconds_one_retry);
    handshake.told(key, DebtEvent::notice, id(1), false, at_ms(0));
    for (std::int64_t time : {1'000, 2'000, 3'000}) {
        CHECK(handshake.answered(key, id(1), ConfirmationResult::draining, "", at_ms(time)) ==
              DebtAction::restart_clock);
    }
    CHECK(handshake.answered(key, id(1), ConfirmationResult::draining, "", at_ms(4'000)) ==
          DebtAction::note_answer);
    CHECK(handshake.next_wakeup() == Instant{13'000});
}

TEST_CASE("the list of unconfirmed notices is bounded and keeps its oldest") {
    Handshake handshake(ten_seconds_one_retry);
    for (std::uint64_t sequence = 1; sequence <= 500; ++sequence) {
        handshake.told(key, DebtEvent::notice, id(sequence), false,
                       at_ms(static_cast<std::int64_t>(sequence)));
    }
    const DebtRecord record = handshake.record_of(key);
    CHECK(record.unconfirmed.size() == unconfirmed_notices_max);
    CHECK(record.unconfirmed.front() == id(1));
    CHECK(record.unconfirmed.back() == id(500));
    CHECK(handshake.next_wakeup() == Instant{10'001});
}

TEST_CASE("after a long sleep one retry is sent, not all that were missed") {
    Handshake handshake({{1'000}, 5});
    handshake.told(key, DebtEvent::notice, id(1), false, at_ms(0));
    REQUIRE(handshake.timeouts({3'500}).size() == 1);
    handshake.timed_out(key, DebtEvent::timeout_with_retry_left, {3'500});
    CHECK(handshake.timeouts({3'500}).empty());
    CHECK(handshake.next_wakeup() == Instant{4'000});
    CHECK(handshake.find(key)->attempts == 2);
}

TEST_CASE("a late repeat of an old answer changes nothing") {
    Handshake handshake(ten_seconds_one_retry);
    handshake.told(key, DebtEvent::notice, id(5), false, at_ms(0));
    CHECK(handshake.answered(key, id(4), ConfirmationResult::draining, "", at_ms(1)) ==
          DebtAction::nothing);
    CHECK(handshake.answered(key, id(4), ConfirmationResult::set_offline, "", at_ms(1)) ==
          DebtAction::nothing);
    CHECK(handshake.next_wakeup() == Instant{10'000});
}

TEST_CASE("an excused debt that meets a notice that counts begins anew as one that counts") {
    Handshake handshake(ten_seconds_one_retry);
    handshake.told(key, DebtEvent::agent_resynchronized, id(1), true, at_ms(0));
    handshake.told(key, DebtEvent::notice, id(2), false, at_ms(5'000));
    CHECK_FALSE(handshake.find(key)->excused);
    CHECK(handshake.next_wakeup() == Instant{15'000});
    handshake.told(key, DebtEvent::agent_resynchronized, id(3), true, at_ms(6'000));
    CHECK_FALSE(handshake.find(key)->excused);  // a restart of the agent does not forgive
    CHECK(handshake.next_wakeup() == Instant{15'000});
}

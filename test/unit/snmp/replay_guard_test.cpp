#include "snmp_mib/replay_guard.hpp"

#include <array>

#include "test/support/catch.hpp"

using snmp_mib::ReplayGuard;

namespace {

std::array<std::uint8_t, 24> signature(std::size_t number) {
    std::array<std::uint8_t, 24> octets{};
    for (std::size_t i = 0; i < 8; ++i)
        octets.at(i) = static_cast<std::uint8_t>(number >> (8 * i));
    return octets;
}

}  // namespace

TEST_CASE("a message that was taken is known again as long as its time window can last") {
    ReplayGuard guard;
    const auto start = ReplayGuard::Clock::time_point{};
    CHECK_FALSE(guard.was_taken("host", signature(1)));
    guard.take("host", signature(1), start);
    CHECK(guard.was_taken("host", signature(1)));
    CHECK_FALSE(guard.was_taken("host", signature(2)));
    guard.take("host", signature(2), start + std::chrono::seconds(300));
    CHECK(guard.was_taken("host", signature(1)));
    guard.take("host", signature(3), start + std::chrono::seconds(302));
    CHECK_FALSE(guard.was_taken("host", signature(1)));
    CHECK(guard.was_taken("host", signature(2)));
}

TEST_CASE("so many messages are remembered and no more, the newest") {
    ReplayGuard guard;
    for (std::size_t i = 0; i < ReplayGuard::most + 10; ++i)
        guard.take("host", signature(i), ReplayGuard::Clock::time_point{});
    CHECK(guard.size() == ReplayGuard::most);
    CHECK_FALSE(guard.was_taken("host", signature(9)));
    CHECK(guard.was_taken("host", signature(10)));
    CHECK(guard.was_taken("host", signature(ReplayGuard::most + 9)));
}

TEST_CASE("who has one user's key makes none of another's messages be forgotten") {
    ReplayGuard guard;
    const ReplayGuard::Clock::time_point now{};
    for (std::size_t i = 0; i < 1'000; ++i)
        guard.take("victim", signature(i), now);
    for (std::size_t i = 0; i < ReplayGuard::most + 5'000; ++i)
        guard.take("attacker", signature(1'000'000 + i), now);
    CHECK(guard.size() == ReplayGuard::most);
    CHECK(guard.was_taken("victim", signature(0)));
    CHECK(guard.was_taken("victim", signature(999)));
    CHECK_FALSE(guard.was_taken("attacker", signature(1'000'000)));
    // And the victim finds room while the other one has filled it.
    guard.take("victim", signature(1'000), now);
    CHECK(guard.was_taken("victim", signature(0)));
    CHECK(guard.was_taken("victim", signature(1'000)));
    CHECK(guard.size() == ReplayGuard::most);
}

TEST_CASE("a signature is its user's") {
    ReplayGuard guard;
    guard.take("host", signature(1), ReplayGuard::Clock::time_point{});
    CHECK_FALSE(guard.was_taken("other", signature(1)));
}

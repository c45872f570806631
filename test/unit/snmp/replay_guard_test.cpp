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
    CHECK_FALSE(guard.was_taken(signature(1)));
    guard.take(signature(1), start);
    CHECK(guard.was_taken(signature(1)));
    CHECK_FALSE(guard.was_taken(signature(2)));
    guard.take(signature(2), start + std::chrono::seconds(300));
    CHECK(guard.was_taken(signature(1)));
    guard.take(signature(3), start + std::chrono::seconds(302));
    CHECK_FALSE(guard.was_taken(signature(1)));
    CHECK(guard.was_taken(signature(2)));
}

TEST_CASE("so many messages are remembered and no more, the newest") {
    ReplayGuard guard;
    for (std::size_t i = 0; i < ReplayGuard::most + 10; ++i)
        guard.take(signature(i), ReplayGuard::Clock::time_point{});
    CHECK(guard.size() == ReplayGuard::most);
    CHECK_FALSE(guard.was_taken(signature(9)));
    CHECK(guard.was_taken(signature(10)));
    CHECK(guard.was_taken(signature(ReplayGuard::most + 9)));
}

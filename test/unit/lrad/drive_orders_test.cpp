#include "agent/lrad/drive_orders.hpp"

#include "test/support/catch.hpp"

using namespace agent;
using namespace agent::lrad;

namespace {

const core::DriveSerial tape_one{"VT1"};
const core::DriveSerial tape_two{"VT2"};

bool lifts(const std::optional<DriveOrder>& order) {
    return order && std::holds_alternative<core::LiftDriveOffline>(*order);
}

}  // namespace

TEST_CASE("a late answer to an older order leaves the newer one open") {
    DriveOrders orders;
    const auto force = orders.give(tape_one, core::ForceDriveOffline{tape_one, "test"});
    const auto lift = orders.give(tape_one, core::LiftDriveOffline{tape_one});
    orders.answered(tape_one, force);
    REQUIRE(orders.is_open(tape_one));
    CHECK(lifts(orders.take(tape_one)));
    orders.give(tape_one, core::LiftDriveOffline{tape_one});
    orders.answered(tape_one, lift);
    CHECK(orders.is_open(tape_one));
}

TEST_CASE("an order that was kept back gives way to a newer one") {
    DriveOrders orders;
    orders.keep_back(tape_one, core::ForceDriveOffline{tape_one, "test"});
    const auto number = orders.give(tape_one, core::LiftDriveOffline{tape_one});
    CHECK_FALSE(orders.release(tape_one));
    orders.answered(tape_one, number);
    CHECK_FALSE(orders.is_open(tape_one));
}

TEST_CASE("only what is kept back is released") {
    DriveOrders orders;
    orders.keep_back(tape_one, core::LiftDriveOffline{tape_one});
    orders.give(tape_two, core::ForceDriveOffline{tape_two, "test"});
    const auto released = orders.release_all();
    REQUIRE(released.size() == 1);
    CHECK(lifts(released.at(tape_one)));
    CHECK(orders.is_open(tape_two));
    CHECK_FALSE(orders.release(tape_two));
}

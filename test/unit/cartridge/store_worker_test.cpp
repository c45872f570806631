#include "drive_iface/cartridge/store_worker.hpp"

#include "test/support/catch.hpp"
#include "test/unit/cartridge/shelf_stand.hpp"

using namespace drive_iface::cartridge;

namespace {

struct WorkerStand {
    WorkerStand() {
        Metadata metadata;
        metadata.facts.barcode = "WORK01L8";
        metadata.facts.capacity = 1 << 20;
        auto recording = Recording::create({folder.path()}, metadata);
        REQUIRE(recording.ok());
        worker = std::make_unique<StoreWorker>(
            std::move(recording).value(), StoreWorker::Limits{},
            [this, door = loop.door()] { door([this] { ++wakes; }); });
    }
    TemporaryFolder folder{std::string{}};
    TestLoop loop;
    int wakes = 0;
    std::unique_ptr<StoreWorker> worker;
};

}  // namespace

TEST_CASE("who waits for room is woken though all was stored before he began to wait") {
    WorkerStand stand;
    stand.worker->give({.kind = StoreOperation::Kind::filemarks, .count = 2}, 0);
    stand.worker->synchronise(std::nullopt);
    REQUIRE(stand.loop.run_until([&] { return stand.wakes != 0; }));
    REQUIRE(stand.worker->state().operations_synchronised == 1);

    const int before = stand.wakes;
    stand.worker->await_room(0);
    CHECK(stand.loop.run_until([&] { return stand.wakes != before; }));
}

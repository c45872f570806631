#include "drive_iface/cartridge/early_writeback.hpp"

#include <chrono>
#include <future>

#include "test/support/catch.hpp"

using namespace drive_iface::cartridge;

namespace {

constexpr std::uint64_t step = 8 << 20;

struct Begun {
    const StorageFile* file;
    std::uint64_t offset;
    std::uint64_t size;
    bool operator==(const Begun&) const = default;
};

// A disk whose queue is full until it is told to go on.
struct BusyDisk {
    std::mutex mutex;
    std::condition_variable changed;
    bool goes_on = false;
    std::vector<Begun> begun;

    EarlyWriteback::Begin begin() {
        return [this](const StorageFile& file, std::uint64_t offset, std::uint64_t size) {
            std::unique_lock lock(mutex);
            begun.push_back({&file, offset, size});
            changed.notify_all();
            changed.wait(lock, [this] { return goes_on; });
        };
    }
    void go_on() {
        const std::lock_guard lock(mutex);
        goes_on = true;
        changed.notify_all();
    }
    // Waits until so many ranges have been begun.
    std::vector<Begun> wait_for(std::size_t count) {
        std::unique_lock lock(mutex);
        REQUIRE(changed.wait_for(lock, std::chrono::seconds(20),
                                 [&] { return begun.size() >= count; }));
        return begun;
    }
};

// Also when a check fails: the thread waits for the disk before it ends.
struct LetGo {
    BusyDisk& disk;
    ~LetGo() { disk.go_on(); }
};

}  // namespace

TEST_CASE("who writes does not wait for a disk that is busy, and neighbours become one range") {
    BusyDisk disk;
    const StorageFile one;
    const StorageFile other;
    EarlyWriteback writeback(disk.begin());
    const LetGo at_the_end{disk};
    writeback.add(one, 0, step);
    disk.wait_for(1);  // and stays there
    writeback.add(one, step, step);
    writeback.add(one, 2 * step, step);
    writeback.add(other, 3 * step, step);
    writeback.add(other, 5 * step, step);
    disk.go_on();
    CHECK(disk.wait_for(4) == std::vector<Begun>{{&one, 0, step},
                                                 {&one, step, 2 * step},
                                                 {&other, 3 * step, step},
                                                 {&other, 5 * step, step}});
}

TEST_CASE("a disk that stays far behind slows down who writes") {
    BusyDisk disk;
    const StorageFile file;
    EarlyWriteback writeback(disk.begin());
    const LetGo at_the_end{disk};
    writeback.add(file, 0, step);
    disk.wait_for(1);
    writeback.add(file, step, EarlyWriteback::waiting_max);
    auto next = std::async(std::launch::async,
                           [&] { writeback.add(file, step + EarlyWriteback::waiting_max, step); });
    // The disk stands still, so this can not come.
    CHECK(next.wait_for(std::chrono::milliseconds(20)) == std::future_status::timeout);
    disk.go_on();
    next.get();
    disk.wait_for(3);
}

#include "drive_iface/cartridge/early_writeback.hpp"

#include <chrono>
#include <future>

#include "test/support/catch.hpp"

using namespace drive_iface::cartridge;

namespace {

using Space = EarlyWriteback::Space;
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
    // A moment in which it could have begun with something.
    bool begins_nothing() {
        std::unique_lock lock(mutex);
        return !changed.wait_for(lock, std::chrono::milliseconds(20),
                                 [&] { return !begun.empty(); });
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
    writeback.add(one, 0, step, Space::fresh);
    disk.wait_for(1);  // and stays there
    writeback.add(one, step, step, Space::fresh);
    writeback.add(one, 2 * step, step, Space::fresh);
    writeback.add(other, 3 * step, step, Space::fresh);
    writeback.add(other, 5 * step, step, Space::fresh);
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
    writeback.add(file, 0, step, Space::fresh);
    disk.wait_for(1);
    writeback.add(file, step, EarlyWriteback::waiting_max, Space::fresh);
    auto next = std::async(std::launch::async, [&] {
        writeback.add(file, step + EarlyWriteback::waiting_max, step, Space::fresh);
    });
    // The disk stands still, so this can not come.
    CHECK(next.wait_for(std::chrono::milliseconds(20)) == std::future_status::timeout);
    disk.go_on();
    next.get();
    disk.wait_for(3);
}

TEST_CASE("a burst over used space stays in memory until its time is over or it is synchronised") {
    BusyDisk disk;
    disk.go_on();
    const StorageFile file;
    EarlyWriteback writeback(disk.begin(), std::chrono::hours(1));
    writeback.add(file, 0, step, Space::used);
    writeback.add(file, step, step, Space::used);
    CHECK(disk.begins_nothing());
    writeback.synchronises();
    writeback.add(file, 9 * step, step, Space::fresh);
    CHECK(disk.wait_for(1) == std::vector<Begun>{{&file, 9 * step, step}});
}

TEST_CASE("what goes on after a burst is begun as it comes") {
    BusyDisk disk;
    disk.go_on();
    const StorageFile file;
    EarlyWriteback writeback(disk.begin(), std::chrono::milliseconds(0));
    writeback.add(file, 0, step, Space::used);
    CHECK(disk.wait_for(1) == std::vector<Begun>{{&file, 0, step}});
    writeback.add(file, step, step, Space::used);
    CHECK(disk.wait_for(2).back() == Begun{&file, step, step});
}

TEST_CASE("no more of a burst stays in memory than is set, and nothing when fresh space follows") {
    BusyDisk disk;
    disk.go_on();
    const StorageFile file;
    EarlyWriteback writeback(disk.begin(), std::chrono::hours(1));
    const auto far = EarlyWriteback::burst_max + step;
    writeback.add(file, 0, far, Space::used);
    CHECK(disk.wait_for(1) == std::vector<Begun>{{&file, 0, far}});
    writeback.add(file, far, step, Space::used);
    writeback.add(file, far + step, step, Space::fresh);
    CHECK(disk.wait_for(3) ==
          std::vector<Begun>{{&file, 0, far}, {&file, far, step}, {&file, far + step, step}});
}

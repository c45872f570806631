// Many drives that hang, stopped at the same time.

#include <asio/io_context.hpp>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "drive_iface/device/drive_watch.hpp"
#include "test/support/catch.hpp"

using namespace agent::core;
using namespace drive_iface;

namespace {

// What drives and test share. Outlives them: a thread that is left behind holds it.
struct Hang {
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t hanging = 0;
    bool over = false;
};

class HangingTransport : public drive_iface::Transport {
  public:
    explicit HangingTransport(std::shared_ptr<Hang> hang) : hang_(std::move(hang)) {}
    Result<ScsiReply> execute(const ScsiCommand&, Duration) override {
        std::unique_lock lock(hang_->mutex);
        ++hang_->hanging;
        hang_->changed.notify_all();
        hang_->changed.wait(lock, [this] { return hang_->over; });
        return Error{"it is over"};
    }

  private:
    std::shared_ptr<Hang> hang_;
};

}  // namespace

// Each is given two seconds to end: all of them the same two.
TEST_CASE("drives that hang and are stopped together are waited for together") {
    constexpr std::size_t drives = 6;
    const auto hang = std::make_shared<Hang>();
    asio::io_context loop;
    std::vector<std::unique_ptr<DriveWatch>> watches;
    for (std::size_t i = 0; i < drives; ++i) {
        DriveWatchOptions options;
        options.poller.serial = {"DRV" + std::to_string(i)};
        watches.push_back(std::make_unique<DriveWatch>(loop, options,
                                                       std::make_unique<HangingTransport>(hang),
                                                       [](const ReservationAgentInput&) {}));
    }
    {
        std::unique_lock lock(hang->mutex);
        REQUIRE(hang->changed.wait_for(lock, std::chrono::seconds(20),
                                       [&] { return hang->hanging == drives; }));
    }
    const auto begin = std::chrono::steady_clock::now();
    for (auto& watch : watches)
        watch->begin_to_stop();
    watches.clear();
    // One after the other: twelve.
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(6));
    const std::lock_guard lock(hang->mutex);
    hang->over = true;
    hang->changed.notify_all();
}

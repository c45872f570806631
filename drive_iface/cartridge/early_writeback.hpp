#pragma once

// Begins to bring what was written to the disk long before somebody synchronises, so that little is
// left to wait for then. On a thread of its own: sync_file_range(2) itself waits where the disk's
// queue is full, and the thread that stores goes on meanwhile.
//
// A burst over space that was used before is left in memory for a moment: writing it back takes
// processor time and the memory's from a host that sends at memory's speed, and a burst that is
// over by then loses nothing. A stream that goes on is written back as it comes. Fresh space is
// begun at once: giving it out is most of what a synchronisation waits for.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "drive_iface/cartridge/storage_file.hpp"

namespace drive_iface::cartridge {

class EarlyWriteback {
  public:
    using Begin =
        std::function<void(const StorageFile& file, std::uint64_t offset, std::uint64_t size)>;

    enum class Space : std::uint8_t { fresh, used };

    // How long after its first range a burst over used space may stay in memory.
    static constexpr std::chrono::milliseconds burst = std::chrono::milliseconds(100);
    // And no more of it than these bytes.
    static constexpr std::uint64_t burst_max = 256ULL << 20;
    // No more bytes than these wait for their turn, and over used space a burst: a disk that is
    // slower than who writes slows that down, before all memory is full of what is not on it.
    static constexpr std::uint64_t waiting_max = 64ULL << 20;

    // `begin` begins the writing back of a range: StorageFile::start_writeback(), but for tests,
    // as is `patience`.
    explicit EarlyWriteback(Begin begin, std::chrono::milliseconds patience = burst);
    // Waits for the range that is being begun, and forgets those behind it.
    ~EarlyWriteback();
    EarlyWriteback(const EarlyWriteback&) = delete;
    EarlyWriteback& operator=(const EarlyWriteback&) = delete;

    // Called by one thread, as is synchronises(). `file` has to be there until this object is gone.
    // Waits while as much as is allowed waits for its turn. Fresh space ends a burst.
    void add(const StorageFile& file, std::uint64_t offset, std::uint64_t size, Space space);
    // Everything is about to be synchronised: what waits is dropped, what comes is another burst.
    void synchronises();

  private:
    struct Range {
        const StorageFile* file = nullptr;
        std::uint64_t offset = 0;
        std::uint64_t size = 0;
        Space space = Space::fresh;
    };
    using Clock = std::chrono::steady_clock;

    void run();
    [[nodiscard]] bool may_stay() const;

    const Begin begin_;
    const std::chrono::milliseconds patience_;
    std::mutex mutex_;  // guards everything below
    std::condition_variable changed_;
    std::deque<Range> ranges_;
    std::uint64_t waiting_ = 0;                    // bytes, of all ranges
    std::optional<Clock::time_point> burst_ends_;  // nothing: no burst yet
    bool ends_ = false;
    std::thread thread_;
};

}  // namespace drive_iface::cartridge

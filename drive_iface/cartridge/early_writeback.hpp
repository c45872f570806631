#pragma once

// Begins to bring what was written to the disk long before somebody synchronises, so that little is
// left to wait for then. On a thread of its own: sync_file_range(2) itself waits where the disk's
// queue is full, and the thread that stores goes on meanwhile.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "drive_iface/cartridge/storage_file.hpp"

namespace drive_iface::cartridge {

class EarlyWriteback {
  public:
    using Begin =
        std::function<void(const StorageFile& file, std::uint64_t offset, std::uint64_t size)>;

    // Begins the writing back of a range: StorageFile::start_writeback(), but for tests.
    explicit EarlyWriteback(Begin begin);
    // Waits for the range that is being begun, and forgets those behind it.
    ~EarlyWriteback();
    EarlyWriteback(const EarlyWriteback&) = delete;
    EarlyWriteback& operator=(const EarlyWriteback&) = delete;

    // No more bytes than these wait for their turn: a disk that is slower than who writes slows
    // that down, before all memory is full of what is not on it.
    static constexpr std::uint64_t waiting_max = 64ULL << 20;

    // Called by one thread. `file` has to be there until this object is gone. Waits while as much
    // as waiting_max waits for its turn.
    void add(const StorageFile& file, std::uint64_t offset, std::uint64_t size);

  private:
    struct Range {
        const StorageFile* file = nullptr;
        std::uint64_t offset = 0;
        std::uint64_t size = 0;
    };

    void run();

    const Begin begin_;
    std::mutex mutex_;  // guards everything below
    std::condition_variable changed_;
    std::deque<Range> ranges_;
    std::uint64_t waiting_ = 0;  // bytes, of all ranges
    bool ends_ = false;
    std::thread thread_;
};

}  // namespace drive_iface::cartridge

#include "drive_iface/cartridge/early_writeback.hpp"

#include <utility>

namespace drive_iface::cartridge {

EarlyWriteback::EarlyWriteback(Begin begin, std::chrono::milliseconds patience)
    : begin_(std::move(begin)), patience_(patience), thread_([this] { run(); }) {}

EarlyWriteback::~EarlyWriteback() {
    {
        const std::lock_guard lock(mutex_);
        ends_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void EarlyWriteback::add(const StorageFile& file, std::uint64_t offset, std::uint64_t size,
                         Space space) {
    const auto most = space == Space::used ? waiting_max + burst_max : waiting_max;
    {
        std::unique_lock lock(mutex_);
        if (space == Space::fresh) {
            burst_ends_ = Clock::now();  // what waits is in its way
            changed_.notify_all();
        } else if (!burst_ends_) {
            burst_ends_ = Clock::now() + patience_;
        }
        changed_.wait(lock, [&] { return waiting_ < most; });
        waiting_ += size;
        const bool goes_on = !ranges_.empty() && ranges_.back().file == &file &&
                             ranges_.back().space == space &&
                             ranges_.back().offset + ranges_.back().size == offset;
        if (goes_on) {
            ranges_.back().size += size;
        } else {
            ranges_.push_back({&file, offset, size, space});
        }
    }
    changed_.notify_all();
}

void EarlyWriteback::synchronises() {
    {
        const std::lock_guard lock(mutex_);
        ranges_.clear();
        waiting_ = 0;
        burst_ends_.reset();
    }
    changed_.notify_all();
}

// The first range, for now.
bool EarlyWriteback::may_stay() const {
    return ranges_.front().space == Space::used && waiting_ <= burst_max &&
           Clock::now() < *burst_ends_;
}

void EarlyWriteback::run() {
    std::unique_lock lock(mutex_);
    while (!ends_) {
        if (ranges_.empty()) {
            changed_.wait(lock);
        } else if (may_stay()) {
            const auto until = *burst_ends_;  // synchronises() takes that away meanwhile
            changed_.wait_until(lock, until);
        } else {
            const auto range = ranges_.front();
            ranges_.pop_front();
            waiting_ -= range.size;
            lock.unlock();
            changed_.notify_all();
            begin_(*range.file, range.offset, range.size);
            lock.lock();
        }
    }
}

}  // namespace drive_iface::cartridge

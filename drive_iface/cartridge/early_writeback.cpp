#include "drive_iface/cartridge/early_writeback.hpp"

#include <utility>

namespace drive_iface::cartridge {

EarlyWriteback::EarlyWriteback(Begin begin)
    : begin_(std::move(begin)), thread_([this] { run(); }) {}

EarlyWriteback::~EarlyWriteback() {
    {
        const std::lock_guard lock(mutex_);
        ends_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void EarlyWriteback::add(const StorageFile& file, std::uint64_t offset, std::uint64_t size) {
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return waiting_ < waiting_max; });
        waiting_ += size;
        const bool goes_on = !ranges_.empty() && ranges_.back().file == &file &&
                             ranges_.back().offset + ranges_.back().size == offset;
        if (goes_on) {
            ranges_.back().size += size;
        } else {
            ranges_.push_back({&file, offset, size});
        }
    }
    changed_.notify_all();
}

void EarlyWriteback::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return ends_ || !ranges_.empty(); });
        if (ends_) return;
        const auto range = ranges_.front();
        ranges_.pop_front();
        waiting_ -= range.size;
        lock.unlock();
        changed_.notify_all();
        begin_(*range.file, range.offset, range.size);
        lock.lock();
    }
}

}  // namespace drive_iface::cartridge

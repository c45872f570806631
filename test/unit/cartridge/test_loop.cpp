#include "test/unit/cartridge/test_loop.hpp"

#include <chrono>

using namespace drive_iface::cartridge;

RunOnLoop TestLoop::door() {
    return [queue = queue_](std::function<void()> function) {
        const std::lock_guard lock(queue->mutex);
        queue->functions.push_back(std::move(function));
        queue->more.notify_one();
    };
}

bool TestLoop::run_until(const std::function<bool()>& reached) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!reached()) {
        std::unique_lock lock(queue_->mutex);
        const bool got =
            queue_->more.wait_until(lock, deadline, [&] { return !queue_->functions.empty(); });
        if (!got) return false;
        const auto function = std::move(queue_->functions.front());
        queue_->functions.pop_front();
        lock.unlock();
        function();
    }
    return true;
}

Blocks block_of(std::uint32_t length, std::uint32_t seed) {
    Blocks block(length);
    auto state = seed * 2654435761U + length;
    for (auto& byte : block) {
        state = state * 1664525U + 1013904223U;
        byte = static_cast<std::uint8_t>(state >> 24);
    }
    return block;
}

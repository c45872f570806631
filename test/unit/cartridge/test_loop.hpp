#pragma once

// An event loop that is the thread of who waits for something.

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "drive_iface/cartridge/file_shelf.hpp"

// What is posted from threads is run by the test when it waits for something.
class TestLoop {
  public:
    drive_iface::cartridge::RunOnLoop door();
    // Runs what is posted until `reached`; false when that takes longer than any test should.
    bool run_until(const std::function<bool()>& reached);

  private:
    struct Queue {
        std::mutex mutex;
        std::condition_variable more;
        std::deque<std::function<void()>> functions;
    };
    std::shared_ptr<Queue> queue_ = std::make_shared<Queue>();  // threads may post late
};

using Blocks = drive_iface::virtual_library::Bytes;
using drive_iface::virtual_library::Cartridge;

// A block that tells by its content which one it is.
[[nodiscard]] Blocks block_of(std::uint32_t length, std::uint32_t seed);

#pragma once

// Discovery beside the event loop: one at a time, on a thread of its own.

#include <functional>
#include <memory>
#include <string>

#include "agent/core/result.hpp"
#include "drive_iface/discovery/discovery.hpp"

namespace asio {
class io_context;
}

namespace agent::lrad {

class DiscoveryService {
  public:
    explicit DiscoveryService(asio::io_context& loop);
    ~DiscoveryService();  // waits for nothing; `done` is not called any more
    DiscoveryService(const DiscoveryService&) = delete;
    DiscoveryService& operator=(const DiscoveryService&) = delete;

    // One of both is called, once: `refused` at once when one is under way already, `done` on the
    // loop otherwise. What hangs is remembered as long as `opens_with` stays the same.
    void discover(drive_iface::discovery::DiscoveryOptions options, const std::string& opens_with,
                  std::function<void(const drive_iface::discovery::Discovered&)> done,
                  const std::function<void(const core::Error&)>& refused);

  private:
    struct State;
    asio::io_context& loop_;
    std::shared_ptr<State> state_;  // shared with the thread
};

}  // namespace agent::lrad

#pragma once

#include <memory>
#include <optional>
#include <string>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "agent/runtime/control_protocol.hpp"

namespace agent::runtime {

// The other end of a control socket, for lractl and tests. Blocks; one thread.
class ControlClient {
  public:
    // The error says what to do: daemon not running, no permission (group lra), no such socket.
    [[nodiscard]] static core::Result<ControlClient> connect(const std::string& path,
                                                             core::Duration timeout);
    ~ControlClient();
    ControlClient(ControlClient&&) noexcept;
    ControlClient& operator=(ControlClient&&) noexcept;

    // `params` is an object. Events that arrive meanwhile are kept for next_event().
    [[nodiscard]] ControlAnswer call(const std::string& method, const nlohmann::json& params,
                                     core::Duration timeout);

    // After call("event.follow"): the next event; ControlError busy when none came within
    // `timeout`.
    [[nodiscard]] ControlAnswer next_event(core::Duration timeout);

    // To be polled together with other descriptors; owned by this object.
    [[nodiscard]] int descriptor() const;

  private:
    class Connection;
    explicit ControlClient(std::unique_ptr<Connection> connection);
    std::unique_ptr<Connection> connection_;
};

}  // namespace agent::runtime

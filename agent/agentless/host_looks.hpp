#pragma once

// Looks at a host again and again over ssh: whether it is there, and what ports and tape drives it
// has where the configuration leaves that to discovery.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <asio/steady_timer.hpp>

#include "agent/agentless/host_contact.hpp"
#include "agent/agentless/ssh_commands.hpp"
#include "agent/host/host_devices.hpp"
#include "agent/runtime/agentless_configuration.hpp"

namespace agent::agentless {

struct Looked {
    core::HostContact::State contact = core::HostContact::State::unreachable;
    std::string words;
    std::optional<host::HostDevices> devices;  // when they were asked for and understood
};

class HostLooks {
  public:
    using Done = std::function<void(const Looked&)>;

    // All outlive this object. `book` learns how each look went, then `found` what it has found.
    // While `may_run` says no, nobody looks.
    HostLooks(asio::io_context& loop, const runtime::AgentlessConfiguration& configuration,
              std::string memory_file, std::string control_path, SshSlots& slots, ContactBook& book,
              Done found, SshCommands::MayRun may_run = {});
    ~HostLooks();

    // What the newest look in an earlier life of this process has found; nothing when there was
    // none, or it was at something else.
    [[nodiscard]] std::optional<host::HostDevices> remembered() const;

    void start();  // the first look is at once
    // One look out of turn; after one that is under way. `done` is called once, from the loop.
    void look_now(Done done);
    // Something else has found the host gone.
    void look_again_soon();

  private:
    void wait();
    void look();
    void looked(const host::CommandOutcome& outcome);
    void take(const Looked& looked);
    [[nodiscard]] host::Command command() const;
    [[nodiscard]] bool discovers() const;
    void remember(const std::string& report) const;

    asio::io_context& loop_;
    const runtime::AgentlessConfiguration& configuration_;
    std::string memory_file_;
    ContactBook& book_;
    Done found_;
    SshCommands::MayRun may_run_;
    SshAnswer answer_;  // of the look under way
    SshCommands commands_;
    asio::steady_timer timer_;
    bool looking_ = false;
    bool reached_ = true;   // by the newest look
    core::Duration pause_;  // until the next look: short at first while the host is not reached
    std::vector<Done> waiting_;
    mutable std::string remembered_report_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // the timer's handlers hold it weakly
};

}  // namespace agent::agentless

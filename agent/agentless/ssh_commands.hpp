#pragma once

// Commands on one host, over ssh.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "agent/agentless/ssh_answer.hpp"
#include "agent/agentless/ssh_slots.hpp"
#include "agent/host/command_door.hpp"
#include "agent/host/command_runner.hpp"
#include "agent/runtime/agentless_configuration.hpp"

namespace asio {
class io_context;
}

namespace agent::agentless {

// A command of this host's backup application runs there as it would here: with the same arguments,
// environment (as far as the shell there carries one), input and limit, and its outcome says how it
// ended there. Trouble on the way is an outcome not_started.
class SshCommands final : public host::CommandDoor {
  public:
    // Of each call, before its `done`.
    using Heard = std::function<void(const SshAnswer&)>;

    // Whether a command may be begun, asked right before each.
    using MayRun = std::function<bool()>;

    // `slots` outlives this object. `control_path` as of control_path_in(). A command that may not
    // be begun says nothing about the host, so nobody hears of it; empty: every one may.
    SshCommands(asio::io_context& loop, runtime::SshConfiguration ssh, std::string control_path,
                SshSlots& slots, Heard heard, MayRun may_run = {});
    ~SshCommands() override;

    void run(host::Command command, Done done) override;

  private:
    struct Call;
    void begin(const std::shared_ptr<Call>& call);
    void finish(const std::shared_ptr<Call>& call, SshAnswer answer);
    [[nodiscard]] core::Result<host::Command> wrapped(const host::Command& command,
                                                      const std::string& marker) const;

    asio::io_context& loop_;
    runtime::SshConfiguration ssh_;
    std::string control_path_;
    SshSlots& slots_;
    Heard heard_;
    MayRun may_run_;
    std::uint64_t markers_;  // one for each call, beginning where nobody can guess
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // posted handlers hold it weakly
    host::CommandRunner clients_;
};

}  // namespace agent::agentless

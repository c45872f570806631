#pragma once

// How it stands with reaching a host, made from what comes back of all that is sent there. Pure.

#include <functional>
#include <optional>
#include <string>

#include "agent/agentless/ssh_answer.hpp"
#include "agent/core/reservation_agent_io.hpp"

namespace agent::agentless {

// Two kinds of errands tell of a host: looks, and the application's commands. That one of the
// application hangs says nothing against the connection, and a look that works says nothing for the
// application: its hanging is over when one of its own commands has ended, and that a query ends
// says nothing for those that change something.
class ContactBook {
  public:
    using Changed = std::function<void(core::HostContact::State, const std::string& words)>;

    // `changed` hears of the first answer and of every change of the state.
    explicit ContactBook(Changed changed) : changed_(std::move(changed)) {}

    void look_answered(core::HostContact::State state, const std::string& words);
    void application_answered(const SshAnswer& answer);

    [[nodiscard]] bool reached() const { return line_ == core::HostContact::State::reached; }
    // Nothing: nothing has come back yet.
    [[nodiscard]] std::optional<core::HostContact::State> state() const;
    [[nodiscard]] const std::string& words() const;

  private:
    void tell();

    Changed changed_;
    std::optional<core::HostContact::State> line_;
    std::string line_words_;
    std::optional<std::string> hanging_;
    bool hanging_only_asked_ = false;
    std::optional<core::HostContact::State> told_;
};

[[nodiscard]] std::string_view to_text(core::HostContact::State state);

}  // namespace agent::agentless

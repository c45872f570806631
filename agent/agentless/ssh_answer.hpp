#pragma once

// What came back from ssh: the remote command's own end, or trouble on the way. Pure.

#include <optional>
#include <string>

#include "agent/core/reservation_agent_io.hpp"
#include "agent/core/time.hpp"
#include "agent/host/command.hpp"

namespace agent::agentless {

struct SshAnswer {
    core::HostContact::State contact = core::HostContact::State::reached;
    std::string words;  // of trouble, one printable line; empty when the command was run to its end
    bool told_by_far_side = false;  // its wrapper has said how the command ended
    // As if the command had been run here. Where it was certainly not: not_started, with the
    // trouble in `why`; where nobody knows: cut_off, and until when it may still run there.
    host::CommandOutcome outcome;
    bool only_asked = false;  // the command was to change nothing
};

// `marker` and `limit` as they were sent (shell_words.hpp). Status 255 of ssh stands for
// trouble with the connection as well as for a command that ended so: the line with the marker
// tells them apart. Without it nothing is believed, whatever the status: a forced command or
// another shell has answered. Of output that was cut it stands in the tail that was kept. It also
// says whether the far side's limit has struck, which no status does: 124 may be the command's own.
[[nodiscard]] SshAnswer read_ssh_answer(host::CommandOutcome outcome, const std::string& marker,
                                        core::Duration limit);

}  // namespace agent::agentless

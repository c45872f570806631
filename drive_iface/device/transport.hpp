#pragma once

// The one door to a device: a command goes in, a reply comes out. Behind it: sg (libsgutils2),
// iSCSI (libiscsi), a virtual drive in the same process, and recorded or faulty ones in tests.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"

namespace drive_iface {

struct ScsiCommand {
    std::span<const std::uint8_t> cdb;       // 6 to 16 bytes
    std::span<const std::uint8_t> data_out;  // empty: no data-out
    std::size_t data_in_max = 0;             // 0: no data-in; not together with data_out
};

struct ScsiReply {
    std::uint8_t status =
        0;  // SAM-5 status byte; 18h also for DID_NEXUS_FAILURE of the Linux mid-layer
    std::vector<std::uint8_t> data_in;  // what came back, residual already taken off
    std::vector<std::uint8_t> sense;    // as the device sent it: fixed or descriptor format
    bool operator==(const ScsiReply&) const = default;
};

// A drive that a path leads to in place of the one it is meant for.
struct OtherDrive {
    std::string path;    // "/dev/sg3", or a URL
    std::string serial;  // VPD page 80h
    bool operator==(const OtherDrive&) const = default;
};

// A path that is connected, asked without a thread that waits: execute() in pieces. One command at
// a time. After an error it is closed and may not be used any more.
class OpenPath {
  public:
    virtual ~OpenPath() = default;

    // Errors: as execute().
    [[nodiscard]] virtual agent::core::Outcome send(const ScsiCommand& command) = 0;
    // What to wait for while a command is under way, as poll(2) has it: may be others after each
    // call here.
    [[nodiscard]] virtual int descriptor() const = 0;
    [[nodiscard]] virtual short events() const = 0;
    // `ready` is what poll(2) found. Nothing: the reply is not complete. Errors: as execute().
    [[nodiscard]] virtual std::optional<agent::core::Result<ScsiReply>> receive(short ready) = 0;
    // There is no reply within `timeout`: closes the path. The error of execute().
    [[nodiscard]] virtual agent::core::Error give_up(agent::core::Duration timeout) = 0;
};

class Transport {
  public:
    virtual ~Transport() = default;

    // Sends one command and blocks until its reply, at most about `timeout` (1 s to 1 h). The error
    // is the transport's: not connected, timed out, refused; whatever the device itself answers is
    // a reply. After an error the next call connects again by itself. One thread at a time.
    [[nodiscard]] virtual agent::core::Result<ScsiReply> execute(const ScsiCommand& command,
                                                                 agent::core::Duration timeout) = 0;

    // LOGICAL UNIT RESET (SAM-5 7.7), this logical unit only: ends a RESERVE of whoever holds it,
    // aborts everybody's commands and leaves a unit attention for every host; a persistent
    // reservation stays. Blocks like execute(). Errors: the transport's; this path has no way to
    // ask for it; the device refuses. After an error nobody knows whether the reset happened.
    [[nodiscard]] virtual agent::core::Outcome reset_logical_unit(
        [[maybe_unused]] agent::core::Duration timeout) {
        return agent::core::Error{"this path to the drive has no way to reset a logical unit"};
    }

    // While it is connected and knows how to be asked so; null: execute() is the only way. Good
    // until anything else here is called.
    [[nodiscard]] virtual OpenPath* open_path() { return nullptr; }

    // After an error: was it that another drive is there? Nothing but INQUIRY was sent to that one.
    [[nodiscard]] virtual std::optional<OtherDrive> other_drive() const { return std::nullopt; }
};

}  // namespace drive_iface

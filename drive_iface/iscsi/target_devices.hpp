#pragma once

// The devices behind the iSCSI server: the virtual library in vtld, scripted ones in tests.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/reservation.hpp"
#include "agent/core/result.hpp"
#include "drive_iface/iscsi/session_host.hpp"
#include "drive_iface/virtual/target_device.hpp"

namespace drive_iface::iscsi {

using virtual_library::NexusId;

// One target of the server and the device behind its LUN 0.
struct ServedTarget {
    std::string device;       // unit serial number; unique
    std::string name_suffix;  // the target's name is TARGET_PREFIX:name_suffix; unique
    bool operator==(const ServedTarget&) const = default;
};

[[nodiscard]] inline ServedTarget drive_target(const std::string& serial) {
    return {serial, "drive-" + serial};
}
[[nodiscard]] inline ServedTarget changer_target(const std::string& serial) {
    return {serial, "changer"};
}

// All on the event loop's thread. No function calls back into the server before it returns.
class TargetDevices {
  public:
    virtual ~TargetDevices() = default;

    // Does not change while the server runs.
    [[nodiscard]] virtual std::vector<ServedTarget> targets() const = 0;

    [[nodiscard]] virtual agent::core::Result<NexusId> nexus_established(
        const std::string& device, const agent::core::InitiatorPort& port) = 0;
    virtual void nexus_lost(NexusId nexus) = 0;
    // Instead of it: the host said goodbye (RFC 7143 11.14).
    virtual void logged_out(NexusId nexus) { nexus_lost(nexus); }

    [[nodiscard]] virtual std::size_t data_out_length(NexusId nexus, ByteView cdb) = 0;

    // The reply, or nothing: then `later` is called once, from the event loop. A drive that is slow
    // or does not answer at all holds up nobody but the commands behind this one. `data_out` is
    // moved from when the device keeps it.
    using Later = std::function<void(CommandReply)>;
    [[nodiscard]] virtual std::optional<CommandReply> execute(NexusId nexus, TaskId task,
                                                              std::uint64_t lun, ByteView cdb,
                                                              Bytes& data_out, Later later) = 0;
    // `later` of this task is not called any more; a command that has not begun does not begin.
    virtual void abandon(NexusId nexus, TaskId task) = 0;
    [[nodiscard]] virtual bool manage(NexusId nexus, std::uint64_t lun,
                                      TaskManagement function) = 0;
};

}  // namespace drive_iface::iscsi

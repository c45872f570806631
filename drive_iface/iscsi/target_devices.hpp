#pragma once

// The drives behind the iSCSI server: the virtual library in vtld, a scripted one in tests.

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

// All on the event loop's thread. No function calls back into the server before it returns.
class TargetDevices {
  public:
    virtual ~TargetDevices() = default;

    // Unit serial numbers, as target names end with them. Does not change while the server runs.
    [[nodiscard]] virtual std::vector<std::string> drive_serials() const = 0;

    [[nodiscard]] virtual agent::core::Result<NexusId> nexus_established(
        const std::string& drive_serial, const agent::core::InitiatorPort& port) = 0;
    virtual void nexus_lost(NexusId nexus) = 0;

    [[nodiscard]] virtual std::size_t data_out_length(NexusId nexus, ByteView cdb) = 0;

    // The reply, or nothing: then `later` is called once, from the event loop. A drive that is slow
    // or does not answer at all holds up nobody but the commands behind this one.
    using Later = std::function<void(CommandReply)>;
    [[nodiscard]] virtual std::optional<CommandReply> execute(NexusId nexus, TaskId task,
                                                              std::uint64_t lun, ByteView cdb,
                                                              ByteView data_out, Later later) = 0;
    // `later` of this task is not called any more; a command that has not begun does not begin.
    virtual void abandon(NexusId nexus, TaskId task) = 0;
    [[nodiscard]] virtual bool manage(NexusId nexus, std::uint64_t lun,
                                      TaskManagement function) = 0;
};

}  // namespace drive_iface::iscsi

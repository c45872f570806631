#pragma once

// What rmt needs of the library. The daemon stands behind it with the library that iSCSI hosts use
// too, so that reservations, forced offline and faults hold for everyone; tests stand behind it
// with a library of their own.

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/core/reservation.hpp"
#include "drive_iface/rmt/drive_error.hpp"
#include "drive_iface/rmt/rmt_codec.hpp"
#include "drive_iface/virtual/target_device.hpp"

namespace drive_iface::rmt {

using virtual_library::CommandReply;
using virtual_library::NexusId;

struct TapeDriveFacts {
    std::string serial;
    bool parallel = false;  // each nexus has a position of its own
};

// What a client asked to open, after its path was understood.
struct WantedTape {
    std::string drive;  // serial; empty: an administrative volume without a drive
    std::optional<std::string> volume;
    bool writes = false;
};

// All on the event loop's thread. Callbacks are called once, at once or later.
class TapeDrives {
  public:
    virtual ~TapeDrives() = default;

    [[nodiscard]] virtual std::string library_serial() const = 0;
    // In order of element address.
    [[nodiscard]] virtual std::vector<TapeDriveFacts> drives() const = 0;

    // A nexus to the drive, with the volume mounted when one is given: on a drive that is free, or
    // on a parallel one always. Refused: ENOENT unknown volume; EBUSY the drive, or the volume, is
    // in use; EIO.
    using Opened = std::function<void(std::variant<NexusId, Refusal>)>;
    virtual void open(const WantedTape& wanted, const agent::core::InitiatorPort& port,
                      Opened opened) = 0;
    // The nexus ends; what it still waits for is given up. Callbacks of its commands are not called
    // any more.
    virtual void close(NexusId nexus) = 0;

    using Executed = std::function<void(CommandReply)>;
    virtual void execute(NexusId nexus, const Bytes& cdb, Bytes data_out, Executed executed) = 0;

    // The write session of this nexus that began or is about to begin; nothing on a drive that is
    // not parallel.
    [[nodiscard]] virtual std::optional<std::uint32_t> write_session(NexusId nexus) = 0;
};

}  // namespace drive_iface::rmt

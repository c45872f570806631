#pragma once

// One thread that looks at many drives: it knows who is due when, sends quiet looks and takes their
// replies as they come, and waits for nobody. What may have to wait (a login, a drive that says
// something new, a job) it leaves to TurnWorkers.
//
//   a drive   | until                                     | then
//   ----------+-------------------------------------------+---------------------------------------
//   waits     | it is due, or somebody wakes it           | asked, or works
//   asked     | its reply is there, or its time is up     | asked again, waits, or works
//   asked     | it stops                                  | works, to leave
//   works     | its worker has done                       | waits, or leaves

#include <chrono>
#include <cstdint>
#include <memory>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "drive_iface/device/transport.hpp"

namespace drive_iface {

// A drive at the desk. Nothing of it is called by two threads at a time.
class DeskGuest {
  public:
    using Clock = std::chrono::steady_clock;
    enum class Next : std::uint8_t { asked, waits, works };

    virtual ~DeskGuest() = default;

    // On the desk's thread, and none of these blocks. It waits for no reply any more, and work()
    // lets it leave.
    [[nodiscard]] virtual bool is_stopping() = 0;
    // When is the next turn?
    [[nodiscard]] virtual Clock::time_point due() = 0;
    // The turn begins: `asked` when a command was sent on path(), otherwise `works`.
    [[nodiscard]] virtual Next begin() = 0;
    [[nodiscard]] virtual OpenPath& path() = 0;
    [[nodiscard]] virtual agent::core::Duration patience() const = 0;  // with one command
    [[nodiscard]] virtual Next heard(agent::core::Result<ScsiReply> reply) = 0;

    // The turn, or what is left of it, on a worker's thread; may block. False: it leaves.
    [[nodiscard]] virtual bool work() = 0;
};

class LookDesk {
  public:
    // Errors: no thread, no descriptors.
    [[nodiscard]] static agent::core::Result<std::shared_ptr<LookDesk>> open();
    // Does not wait. Drives that have not left by themselves are dropped.
    ~LookDesk();
    LookDesk(const LookDesk&) = delete;
    LookDesk& operator=(const LookDesk&) = delete;

    using Seat = std::uint64_t;
    // Any thread, as wake().
    [[nodiscard]] Seat join(std::shared_ptr<DeskGuest> guest);
    // It may be due sooner than it said.
    void wake(Seat seat);

  private:
    class Core;
    explicit LookDesk(std::shared_ptr<Core> core) : core_(std::move(core)) {}
    std::shared_ptr<Core> core_;  // shared with its thread and with workers
};

}  // namespace drive_iface

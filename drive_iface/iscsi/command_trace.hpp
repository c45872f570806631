#pragma once

// The last commands of a session and what became of them, for whoever looks into a host's trouble.

#include <array>
#include <cstdint>
#include <deque>
#include <optional>

#include "drive_iface/iscsi/session_host.hpp"
#include "drive_iface/scsi/sense.hpp"

namespace drive_iface::iscsi {

struct TracedCommand {
    TaskId task = 0;
    std::int64_t began_ms = 0;  // since 1970
    std::uint64_t lun = 0;
    std::array<std::uint8_t, 16> cdb{};
    std::size_t data_out = 0;  // bytes
    struct End {
        std::int64_t took_us = 0;
        std::uint8_t status = 0;
        std::size_t data_in = 0;
        scsi::SenseKey sense_key{};  // with CHECK CONDITION
        scsi::AdditionalSense additional_sense;
    };
    std::optional<End> end;  // none: it runs, or it was aborted
    bool aborted = false;
};

class CommandTrace {
  public:
    static constexpr std::size_t commands_max = 64;

    void begin(TracedCommand command);
    // Of a command that is no longer here nothing is noted.
    void end(TaskId task, std::int64_t took_us, const CommandReply& reply);
    void aborted(TaskId task);

    [[nodiscard]] const std::deque<TracedCommand>& commands() const { return commands_; }

  private:
    [[nodiscard]] TracedCommand* find(TaskId task);

    std::deque<TracedCommand> commands_;  // oldest first
};

}  // namespace drive_iface::iscsi

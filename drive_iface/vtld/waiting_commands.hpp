#pragma once

// Commands that wait for their medium, in order of arrival. Which of them can go on is the
// library's to say: it is asked again whenever something moved.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "drive_iface/iscsi/target_devices.hpp"

namespace drive_iface::vtld {

class WaitingCommands {
  public:
    static constexpr std::size_t commands_max = 4096;

    struct Command {
        virtual_library::NexusId nexus;
        iscsi::TaskId task = 0;
        std::string device;
        std::uint64_t lun = 0;
        iscsi::Bytes cdb;
        iscsi::Bytes data_out;
        iscsi::TargetDevices::Later later;
        virtual_library::CommandNumber number{};
        bool begun = false;  // the library knows of it
    };
    using Execute = std::function<std::optional<virtual_library::CommandReply>(Command& command)>;

    [[nodiscard]] std::size_t size() const { return commands_.size(); }
    // A nexus has one command with the library at a time: the next that may wait is only added.
    [[nodiscard]] bool has(virtual_library::NexusId nexus) const;
    // False: there are commands_max already.
    [[nodiscard]] bool add(Command command);

    struct Finished {
        iscsi::TargetDevices::Later later;
        virtual_library::CommandReply reply;
    };
    // Executes them again, oldest first, until none of them gets an answer any more. The answers
    // are to be given by the caller, who must be ready for new commands by then.
    [[nodiscard]] std::vector<Finished> proceed(const Execute& execute);

    // Those it chooses are no longer here.
    [[nodiscard]] std::vector<Command> take(const std::function<bool(const Command&)>& which);

  private:
    std::map<std::uint64_t, Command> commands_;  // by arrival
    std::uint64_t arrivals_ = 0;
};

}  // namespace drive_iface::vtld

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "drive_iface/virtual/drive_state.hpp"

namespace drive_iface::virtual_library {

// A tape drive's device server (SPC-4, SSC-3, SPC-2 for RESERVE) and what its target does around
// it. Events go to the end of the list given.
class Drive {
  public:
    static constexpr std::size_t nexuses_max = 256;

    explicit Drive(DriveIdentity identity);

    // Errors: nexuses_max are logged in. A nexus of the same port that is still there is lost
    // first.
    [[nodiscard]] agent::core::Outcome nexus_established(NexusId id,
                                                         const agent::core::InitiatorPort& port,
                                                         std::vector<LibraryEvent>& events);
    void nexus_lost(NexusId id, std::vector<LibraryEvent>& events);

    // The nexus is one that was established and not lost.
    [[nodiscard]] CommandReply execute(NexusId id, std::uint64_t lun,
                                       std::span<const std::uint8_t> cdb,
                                       std::span<const std::uint8_t> data_out,
                                       std::vector<LibraryEvent>& events);
    [[nodiscard]] std::size_t data_out_length(std::span<const std::uint8_t> cdb) const;
    [[nodiscard]] bool manage(NexusId id, std::uint64_t lun, TaskManagement function,
                              std::vector<LibraryEvent>& events);

    void force_offline(const std::string& reason, std::vector<LibraryEvent>& events);
    void lift_forced_offline(std::vector<LibraryEvent>& events);
    void power_cycle(std::vector<LibraryEvent>& events);

    [[nodiscard]] const DriveState& state() const { return state_; }
    // For what was kept over a power loss, before the first nexus.
    [[nodiscard]] DriveState& state_to_restore() { return state_; }

  private:
    [[nodiscard]] LibraryEvent event(LibraryEvent::Change change) const;
    void reset(scsi::AdditionalSense attention, NexusId cause, std::vector<LibraryEvent>& events);
    void note_refusal(const Nexus& refused);

    DriveState state_;
    std::vector<agent::core::InitiatorPort>
        seen_;  // ports that were logged in since power on, oldest first
};

}  // namespace drive_iface::virtual_library

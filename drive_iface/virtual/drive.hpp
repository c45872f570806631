#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "drive_iface/virtual/drive_state.hpp"
#include "drive_iface/virtual/loading.hpp"
#include "drive_iface/virtual/logical_unit.hpp"

namespace drive_iface::virtual_library {

struct DriveIdentity {
    std::string vendor;
    std::string product;
    std::string serial;
    std::uint16_t element_address = 0;
    std::string library_serial{};  // empty: it stands alone
};

// All commands of a tape drive (SPC-4, SSC-3, SPC-2 for RESERVE), ascending.
[[nodiscard]] CommandTable drive_commands();

// A tape drive: a logical unit with a tape in it. Events go to the end of the list given.
class Drive {
  public:
    // Where its cartridges come from is borrowed for good; without it there are none. With
    // `parallel` it is a parallel drive.
    explicit Drive(const DriveIdentity& identity, CartridgeShelf* shelf = nullptr,
                   ParallelCartridges* parallel = nullptr);

    // The nexus is one that was established and not lost. See Library::execute.
    [[nodiscard]] Answer execute(NexusId id, std::uint64_t lun, std::span<const std::uint8_t> cdb,
                                 Bytes& data_out, std::vector<LibraryEvent>& events,
                                 CommandNumber number = {});
    [[nodiscard]] std::size_t data_out_length(NexusId id, std::span<const std::uint8_t> cdb) const;
    [[nodiscard]] bool manage(NexusId id, std::uint64_t lun, TaskManagement function,
                              std::vector<LibraryEvent>& events);
    void power_cycle(Cache cache, std::vector<LibraryEvent>& events);
    void nexus_lost(NexusId id, std::vector<LibraryEvent>& events);
    // Its host is done writing on a parallel drive, before nexus_lost().
    void complete_stream(NexusId id) { finish_stream(state_.tape, id); }

    // Each nexus has a view of its own of the next cartridge; with null all share it, as with what
    // no host writes to. Only while it is empty.
    void share(ParallelCartridges* parallel);
    // The robot puts a cartridge into an empty drive; see loading.hpp for the rest of it.
    void insert(const std::string& barcode);
    // Goes on with loading and unloading; on every progress of the shelf and the cartridges.
    void settle();

    // Reservations and forced offline are the unit's business alone.
    [[nodiscard]] LogicalUnit& unit() { return unit_; }
    [[nodiscard]] const LogicalUnit& unit() const { return unit_; }
    [[nodiscard]] DriveState& state() { return state_; }
    [[nodiscard]] const DriveState& state() const { return state_; }

  private:
    LogicalUnit unit_;
    DriveState state_;
};

}  // namespace drive_iface::virtual_library

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "drive_iface/virtual/changer_state.hpp"
#include "drive_iface/virtual/logical_unit.hpp"
#include "drive_iface/virtual/transfers.hpp"

namespace drive_iface::virtual_library {

struct ChangerIdentity {
    std::string vendor;
    std::string product;
    std::string serial;
    std::size_t slots = 0;
    std::size_t import_export = 0;
};

// All commands of a medium changer (SPC-4, SMC-3, SPC-2 for RESERVE), ascending.
[[nodiscard]] CommandTable changer_commands();

// A medium changer: a logical unit with elements. Events go to the end of the list given.
class Changer {
  public:
    // All are borrowed for good; `volumes` may be null. Drives have distinct element addresses.
    Changer(const ChangerIdentity& identity, std::vector<Drive>& drives, CartridgeShelf& shelf,
            VirtualVolumes* volumes);

    // The nexus is one that was established and not lost. See Library::execute.
    [[nodiscard]] Answer execute(NexusId id, std::uint64_t lun, std::span<const std::uint8_t> cdb,
                                 Bytes& data_out, std::vector<LibraryEvent>& events,
                                 CommandNumber number = {});
    [[nodiscard]] std::size_t data_out_length(std::span<const std::uint8_t> cdb) const;
    [[nodiscard]] bool manage(NexusId id, std::uint64_t lun, TaskManagement function,
                              std::vector<LibraryEvent>& events);
    void nexus_lost(NexusId id, std::vector<LibraryEvent>& events);
    void power_cycle(std::vector<LibraryEvent>& events);

    // What an operator moves; like Library::move_cartridge.
    [[nodiscard]] std::optional<agent::core::Outcome> move(const std::string& barcode,
                                                           const std::string& place,
                                                           std::vector<LibraryEvent>& events);
    // See take_inventory(); tells every host of what changed.
    void take_inventory(std::vector<LibraryEvent>& events);

    [[nodiscard]] LogicalUnit& unit() { return unit_; }
    [[nodiscard]] const LogicalUnit& unit() const { return unit_; }
    [[nodiscard]] ChangerState& state() { return state_; }
    [[nodiscard]] const ChangerState& state() const { return state_; }

  private:
    struct OperatorMove {
        std::string barcode;
        std::string place;
        std::vector<Transfer> transfers;
        std::uint32_t stage = 0;
    };

    LogicalUnit unit_;
    ChangerState state_;
    std::optional<OperatorMove> operator_move_;
};

}  // namespace drive_iface::virtual_library

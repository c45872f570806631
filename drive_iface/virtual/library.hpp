#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "drive_iface/virtual/cartridge.hpp"
#include "drive_iface/virtual/loading.hpp"
#include "drive_iface/virtual/parallel.hpp"
#include "drive_iface/virtual/target_device.hpp"
#include "drive_iface/virtual/virtual_volumes.hpp"

namespace drive_iface::virtual_library {

// How the library presents itself. Serials are unique.
struct LibraryDescription {
    struct Drive {
        std::string serial;
        std::string product;  // INQUIRY product identification, 1 to 16 characters
        std::uint16_t element_address = 0;
        bool parallel = false;      // each host writes a stream of its own
        std::string personality{};  // "lto-5" to "lto-9"; empty: as the product says
        std::string cartridge{};    // barcode of what is in it when nothing else is remembered
    };
    std::string vendor;   // INQUIRY T10 vendor identification, 1 to 8 characters
    std::string product;  // of the changer
    std::string serial;   // of the changer
    std::vector<Drive> drives;
    std::size_t slots = 0;          // storage elements
    std::size_t import_export = 0;  // import/export elements
};

// A library of virtual drives and a medium changer as pure state. Not thread-safe; one owner.
class Library {
  public:
    // What the cartridges come from is borrowed for good. With `parallel` null there are no
    // parallel drives; with `volumes` null no virtual volumes.
    Library(LibraryDescription description, CartridgeShelf& shelf,
            ParallelCartridges* parallel = nullptr, VirtualVolumes* volumes = nullptr);
    ~Library();
    Library(Library&&) noexcept;
    Library& operator=(Library&&) noexcept;

    // A host port logs in to the target of a drive or of the changer. A unit attention POWER ON /
    // NEXUS LOSS is established for it. When the same port (name and ISID) is logged in already,
    // the caller ends that nexus first (session reinstatement). Errors: unknown serial.
    [[nodiscard]] agent::core::Result<NexusId> nexus_established(
        const std::string& serial, const agent::core::InitiatorPort& port);

    // Logout, connection loss or time-out: releases what RESERVE holds, keeps persistent
    // registrations (SPC-4 5.13).
    void nexus_lost(NexusId nexus);
    // The same, by an orderly logout: what the host wrote on a parallel drive is completed instead
    // of left incomplete. Whoever opens the cartridge from now on waits until that is done.
    void logged_out(NexusId nexus);

    // One command for LUN 0 of what the nexus leads to; `lun` other than 0 is answered as SPC-4
    // says for a logical unit that is not there. Never fails: errors are SCSI errors.
    //
    // Nothing: the command waits for its medium. It is called again with the same arguments after
    // on_progress(), and goes on where it stood; `data_out` is moved from only when it was
    // accepted. A nexus has one command at a time that waits: the next one that needs the medium
    // waits behind it, whoever sends it. The caller keeps such commands of one nexus in order.
    [[nodiscard]] Answer execute(NexusId nexus, std::uint64_t lun,
                                 std::span<const std::uint8_t> cdb, Bytes& data_out,
                                 CommandNumber number = {});
    // Can this command have to wait?
    [[nodiscard]] bool uses_medium(NexusId nexus, std::span<const std::uint8_t> cdb) const;
    // Are registrations of what the nexus leads to part of nonvolatile_state() (APTPL)?
    [[nodiscard]] bool keeps_registrations(NexusId nexus) const;
    // Nexuses whose commands PREEMPT AND ABORT ended since the last call: what waits of them is not
    // called again and ends with TASK ABORTED.
    [[nodiscard]] std::vector<NexusId> take_aborted();
    // The command that waits is not called again; what it did stays done.
    void abandon(NexusId nexus);

    // Called whenever a cartridge or where it comes from made progress: proceed(), then call again
    // what waits. Replaces an earlier one.
    void on_progress(std::function<void()> progress);
    // Goes on with what needs no command: loading, unloading, new cartridges on the shelf.
    void proceed();

    // How many bytes of data-out this CDB takes from the initiator (its parameter list or transfer
    // length), so that a front end can report the residual; 0 for commands without data-out.
    [[nodiscard]] std::size_t data_out_length(NexusId nexus,
                                              std::span<const std::uint8_t> cdb) const;

    // True: function complete; false: not supported. The front end has already removed aborted
    // commands of its own.
    [[nodiscard]] bool manage(NexusId nexus, std::uint64_t lun, TaskManagement function);

    // Medium-access commands of everyone end with 04h/44h/00h from now on; inquiry, sense, log and
    // PR IN keep working.
    [[nodiscard]] agent::core::Outcome force_offline(const std::string& drive_serial,
                                                     const std::string& reason);
    [[nodiscard]] agent::core::Outcome lift_forced_offline(const std::string& drive_serial);

    // All drives lose power and come back: only APTPL registrations and forced offline stay, and
    // with Cache::kept what was accepted and not stored.
    void power_cycle(Cache cache = Cache::lost);
    // What a host had reserved at a drive or the changer is gone, and so are all registrations.
    [[nodiscard]] agent::core::Outcome lose_reservation(const std::string& serial);
    // Of whatever tape is in the drive, from now on.
    [[nodiscard]] agent::core::Outcome set_tape_faults(const std::string& drive_serial,
                                                       TapeFaults faults);
    // Milliseconds since 1970, for REPORT TIMESTAMP. Without it time stands still at 0.
    void set_clock(const std::function<std::uint64_t()>& now_ms);

    // Events since the last call, in order.
    [[nodiscard]] std::vector<LibraryEvent> take_events();

    struct DriveStatus {
        std::string serial;
        std::string vendor;
        std::string product;
        std::uint16_t element_address = 0;
        bool parallel = false;
        agent::core::Reservation reservation;
        bool forced_offline = false;
        std::string forced_offline_reason;
        std::vector<agent::core::InitiatorPort> logged_in;
        std::size_t registrations = 0;
        std::string barcode;       // of the cartridge in it; empty: none
        std::string medium;        // "absent", "opening", "loaded", "unloading", ...
        std::string medium_error;  // why it could not be loaded or stored
    };
    [[nodiscard]] std::vector<DriveStatus> drives() const;

    // The medium changer; its unit serial number is the library's.
    [[nodiscard]] std::string changer_serial() const;
    struct ElementStatus {
        std::string type;  // "transport", "storage", "import_export", "data_transfer"
        std::uint16_t address = 0;
        std::string place;  // "slot 1", "port 1", "drive SERIAL", "robot"
        std::string barcode;
        std::string source;           // place it came from; empty: not known
        bool virtual_volume = false;  // the slot of one
        bool cleaning = false;        // a cleaning cartridge is in it
        bool operator==(const ElementStatus&) const = default;
    };
    [[nodiscard]] std::vector<ElementStatus> elements() const;
    // Cartridges on the shelf for which there is no slot.
    [[nodiscard]] std::vector<std::string> outside() const;
    // What restore() remembered and did not find on the shelf, and where it was.
    struct Missing {
        std::string barcode;
        std::string place;
        bool operator==(const Missing&) const = default;
    };
    [[nodiscard]] std::vector<Missing> missing() const;
    // It is gone for good: its place is kept no longer. False: it was not missing.
    bool forget_missing(const std::string& barcode);
    // Where a cartridge that is in a drive goes back to when nobody says where: the slot it came
    // from, or one that is kept for no other cartridge, mounted or missing. Empty: none is free.
    [[nodiscard]] std::string way_back(const std::string& barcode) const;
    // What is new on the shelf goes into free slots, what has vanished leaves its place.
    void take_inventory();
    // An operator's move of a cartridge to a place. Nothing: under way, or behind another one; ask
    // again with the same after on_progress(). Errors in an operator's words.
    [[nodiscard]] std::optional<agent::core::Outcome> move_cartridge(const std::string& barcode,
                                                                     const std::string& place);

    // What survives power loss: forced offline, APTPL registrations and where cartridges are, as an
    // opaque text that restore() of the same program understands. Changes are due to be saved
    // whenever take_events() returned something.
    [[nodiscard]] std::string nonvolatile_state() const;
    [[nodiscard]] agent::core::Outcome restore(const std::string& nonvolatile_state);

  private:
    class State;
    std::unique_ptr<State> state_;
};

}  // namespace drive_iface::virtual_library

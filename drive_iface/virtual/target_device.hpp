#pragma once

// The virtual library as a front end (iSCSI, rmt, the simulator) sees it: commands in, status, data
// and sense out. Pure: no clock, no thread, no socket, no file.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/core/reservation.hpp"

namespace drive_iface::virtual_library {

using Bytes = std::vector<std::uint8_t>;

// An I_T nexus (SAM-5 4.6.9): an initiator port logged in to a target port. Given out by the front
// end; never reused while the library lives, so that state of a lost nexus can not reach its
// successor by accident.
struct NexusId {
    std::uint64_t value = 0;
    auto operator<=>(const NexusId&) const = default;
};

// Tells a command that is called again from the next one with the same CDB. Given out by the front
// end, never reused; a front end whose nexuses send one command at a time needs none.
struct CommandNumber {
    std::uint64_t value = 0;
    auto operator<=>(const CommandNumber&) const = default;
};

// SAM-5 5.3.1 status codes that this library returns.
enum class Status : std::uint8_t {
    good = 0x00,
    check_condition = 0x02,
    busy = 0x08,
    reservation_conflict = 0x18,
    task_set_full = 0x28,
    task_aborted = 0x40,
};

struct CommandReply {
    Status status = Status::good;
    Bytes data_in;  // already cut to the CDB's allocation length; the front end cuts to what the
                    // initiator expects
    Bytes sense;    // fixed format (SPC-4 4.5.3) with check_condition, empty otherwise
};

// How a command ends, or nothing while it waits for its medium.
using Answer = std::optional<CommandReply>;

// RFC 7143 11.5.1; SAM-5 7.1. Front ends map their transport's codes to these.
enum class TaskManagement : std::uint8_t {
    abort_task,
    abort_task_set,
    clear_aca,
    clear_task_set,
    logical_unit_reset,
    target_warm_reset,
    target_cold_reset,
};

// What happened to a drive's or the changer's reservation or state, in order, for the drive event
// channel and for durable state.
struct LibraryEvent {
    enum class Change : std::uint8_t {
        reserved,
        released,
        preempted,  // another port took it over: `reservation` is the new one
        reset,      // logical unit or target reset, or power cycle: `reservation` is what is left
        registrations,   // persistent registrations changed and the reservation did not
        forced_offline,  // now reports 04h/44h/00h
        forced_offline_lifted,
        inventory,  // of the changer: a cartridge is in another place now
    };
    agent::core::DriveSerial drive;  // or the changer's serial
    Change change = Change::reserved;
    agent::core::Reservation reservation;            // after the change
    std::optional<agent::core::InitiatorPort> port;  // who caused it, when somebody did
};

}  // namespace drive_iface::virtual_library

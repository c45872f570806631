#pragma once

// What comes before a command that needs the tape, and what it may have to wait for.

#include "drive_iface/virtual/command_table.hpp"
#include "drive_iface/virtual/drive_state.hpp"
#include "drive_iface/virtual/logical_unit.hpp"
#include "drive_iface/virtual/replies.hpp"
#include "drive_iface/virtual/tape_state.hpp"

namespace drive_iface::virtual_library {

// A command on the tape that is threaded.
struct TapeCall {
    const Call& call;
    TapeUser& user;

    [[nodiscard]] TapeState& drive() const { return call.drive().tape; }
    [[nodiscard]] Unfinished& unfinished() const { return call.unfinished; }
    [[nodiscard]] Tape& tape() const { return user.tape; }
    [[nodiscard]] Cartridge& cartridge() const { return *user.tape.cartridge; }
};
using TapeCommand = Answer (*)(const TapeCall& call);

// Runs the command when a tape is threaded and no earlier write of its host has failed, else says
// why not. On a parallel drive this opens the view of the nexus.
[[nodiscard]] Answer with_tape(const Call& call, TapeCommand command);

// True: everything written is stored. False: `reply` is what the command returns now, nothing
// while it waits and the error when storing failed.
[[nodiscard]] bool is_stored(const TapeCall& call, Answer& reply);

// The same, of what is kept in the auxiliary memory, too.
[[nodiscard]] bool is_memory_stored(const TapeCall& call, Answer& reply);

// A host's writing is over once the tape moves away from it: stores, and on a parallel drive ends
// the write session. Like is_stored().
[[nodiscard]] bool has_left_what_was_written(const TapeCall& call, Answer& reply);

// Why this tape can not be written at all; nothing: it can.
[[nodiscard]] Answer write_refused(const TapeCall& call);

// What an operator or a host should look at.
void count_read_error(const TapeCall& call);

// settle(), and the unit attentions that come with it. Before each command, and when a cartridge or
// its shelf made progress.
void settle_medium(LogicalUnit& unit, TapeState& drive);
// The sense data that tells why no tape is threaded; NO SENSE when one is.
[[nodiscard]] scsi::SenseData medium_readiness(const TapeState& drive);

}  // namespace drive_iface::virtual_library

#pragma once

// What the numbers of I and i mean. They are those of the client's own system, and systems differ.

#include <cstdint>
#include <optional>

namespace drive_iface::rmt {

enum class TapeOperation : std::uint8_t {
    forward_filemarks,           // behind the filemark
    backward_filemarks,          // before the filemark
    forward_filemarks_to_end,    // FSFM: before the last of the filemarks
    backward_filemarks_to_file,  // BSFM: behind the last of the filemarks
    beginning_of_file,           // NBSF: of the file so many before this one
    forward_records,
    backward_records,
    write_filemarks,
    write_filemarks_immediate,
    rewind,
    unload,
    load,
    retension,
    end_of_data,
    erase,
    seek,
    set_block_length,
    lock,
    unlock,
    synchronise,  // NOP: what is buffered goes to tape
    nothing,      // about caches that a virtual tape does not have
};

// Numbers of Linux (mtio.h), which GNU's clients send.
[[nodiscard]] std::optional<TapeOperation> linux_operation(std::int64_t code);
// Numbers of 4.3BSD, which a client means that asked for version 1 (I-1) before.
[[nodiscard]] std::optional<TapeOperation> bsd_operation(std::int64_t code);
// Numbers of i (star's rmt).
[[nodiscard]] std::optional<TapeOperation> star_operation(std::int64_t code);

// I with this code asks for version 1 of the protocol.
constexpr std::int64_t version_request_code = -1;

}  // namespace drive_iface::rmt

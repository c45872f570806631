#pragma once

// How hosts write to the same cartridge at the same time: on a parallel drive each nexus gets a
// cartridge of its own, which shows what was recorded when it was opened and, behind it, what this
// nexus writes. The drive moves each of them independently. Whoever keeps the sessions
// (drive_iface/sessions; memory in tests) stands behind this door.
//
// Who talks when: the drive asks open() at the first command of a nexus that needs the medium, and
// goes on with what it got until REWIND after writing, UNLOAD, MOVE MEDIUM, a reset or the end of
// the nexus. Destroying a cartridge without complete() leaves its session incomplete.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/core/reservation.hpp"
#include "drive_iface/virtual/cartridge.hpp"

namespace drive_iface::virtual_library {

// What a nexus is told about its writing (LOG SENSE, vendor specific page 3Ah).
struct WriteSession {
    enum class State : std::uint8_t { writing = 1, completing = 2, complete = 3, failed = 4 };
    std::uint32_t identifier = 0;  // 1 to 2147483647, unique for the life of the library
    std::uint64_t objects = 0;     // blocks and filemarks written so far
    State state = State::writing;
};

class ParallelCartridge : public Cartridge {
  public:
    // Nothing: this nexus has not written since the cartridge was opened.
    [[nodiscard]] virtual std::optional<WriteSession> session() const = 0;
    // The host is done writing: everything it wrote becomes part of the cartridge. What this nexus
    // sees, and the numbers of the objects in it, stay as they are. Until it is done,
    // synchronised() is false; a failure is told by take_fault(). A write after it begins a new
    // session. Nothing happens when nothing was written.
    virtual void complete() = 0;
};

class ParallelCartridges {
  public:
    virtual ~ParallelCartridges() = default;

    // A view of the cartridge for one nexus. Nothing: being opened, ask again at on_progress().
    // Errors: unknown barcode, or damaged, in an operator's words.
    [[nodiscard]] virtual std::optional<agent::core::Result<std::unique_ptr<ParallelCartridge>>>
    open(const std::string& drive_serial, const std::string& barcode,
         const agent::core::InitiatorPort& host) = 0;

    virtual void on_progress(std::function<void()> progress) = 0;
};

}  // namespace drive_iface::virtual_library

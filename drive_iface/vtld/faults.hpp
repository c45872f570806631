#pragma once

// Faults that somebody asked a drive to have. Which command meets which fault; what to do about it
// is the drive bay's business.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/time.hpp"
#include "drive_iface/scsi/sense.hpp"
#include "drive_iface/virtual/tape.hpp"

namespace drive_iface::vtld {

enum class FaultKind : std::uint8_t {
    busy,    // status BUSY, the command is not executed
    sense,   // CHECK CONDITION with the sense given
    slow,    // executed after a delay
    silent,  // never answered
    // CHECK CONDITION with the sense given, for commands that write or that read blocks.
    write_error,
    read_error,
    // The tape in the drive suffers from these; no command meets them at the door.
    media_error,    // one block can not be read
    early_warning,  // comes earlier than the tape says
    storage_error,  // nothing can be stored any more
};

[[nodiscard]] std::string_view to_text(FaultKind kind);
[[nodiscard]] std::optional<FaultKind> fault_kind_from_text(std::string_view text);
// What a kind reports when nobody says otherwise; nothing for kinds without sense and for `sense`.
[[nodiscard]] std::optional<scsi::SenseData> default_sense(FaultKind kind);

struct Fault {
    std::uint64_t id = 0;
    std::string drive;
    FaultKind kind = FaultKind::busy;
    std::optional<std::uint8_t> opcode;      // this operation code only
    std::optional<std::uint32_t> remaining;  // commands; absent: until it is cleared
    agent::core::Duration delay{0};          // slow
    scsi::SenseData sense;                   // sense, write_error, read_error
    std::uint64_t block = 0;                 // media_error: number of the logical object
    std::uint64_t at_mb = 0;                 // early_warning: megabytes recorded by then
};

class FaultTable {
  public:
    static constexpr std::size_t faults_max = 256;

    // The number it is cleared by; nothing when there are faults_max already.
    [[nodiscard]] std::optional<std::uint64_t> add(Fault fault);

    // The oldest fault that this command meets, used up by one.
    [[nodiscard]] std::optional<Fault> meet(const std::string& drive, std::uint8_t opcode);

    struct Selection {
        std::optional<std::uint64_t> id;
        std::optional<std::string> drive;
        std::optional<FaultKind> kind;
    };
    std::size_t clear(const Selection& selection);  // how many; an empty selection means all
    [[nodiscard]] const std::vector<Fault>& all() const { return faults_; }
    // What the tape in a drive is to suffer from.
    [[nodiscard]] virtual_library::TapeFaults of_tape(const std::string& drive) const;

  private:
    std::vector<Fault> faults_;
    std::uint64_t last_id_ = 0;
};

}  // namespace drive_iface::vtld

#pragma once

// TapeAlert (SSC-3 annex A; log page 2Eh): flags a drive raises so that a host can tell an operator
// what to do. A raised flag is told to each nexus once, and stays raised until the next cartridge.

#include <bitset>
#include <cstdint>
#include <map>

#include "drive_iface/virtual/target_device.hpp"

namespace drive_iface::virtual_library {

// The flags this drive has reasons for.
enum class TapeAlert : std::uint8_t {
    hard_error = 3,
    media = 4,
    read_failure = 5,
    write_failure = 6,
    write_protect = 9,
    no_removal = 10,
    cleaning_media = 11,
    memory_chip = 15,
    expired_cleaning_media = 22,
    worm_overwrite_attempted = 60,
    loading_failure = 55,
};

// Those of a medium changer (SMC-3).
enum class ChangerAlert : std::uint8_t {
    drive_offline = 22,  // the library has taken a drive offline
    inventory = 24,      // a cartridge is not where it was last seen
};

class TapeAlerts {
  public:
    static constexpr std::size_t flags = 64;
    using Set = std::bitset<flags + 1>;  // by number; flag 0 is not there

    // As in VPD page B2h (SSC-3 8.4.5): 64 bits, flag 1 first.
    [[nodiscard]] static Bytes supported_flags();

    void raise(TapeAlert flag) { raise_number(static_cast<std::size_t>(flag)); }
    void new_cartridge() { *this = {}; }
    // Of a changer: raises what was not, or takes it back.
    void set(ChangerAlert flag, bool raised);
    [[nodiscard]] const Set& raised() const { return raised_; }
    // 64 bits, flag 1 first (log page 12h, medium auxiliary memory 0002h).
    [[nodiscard]] Bytes as_bits() const;
    // The flags that a reply of LOG SENSE has room for. Who asks for the header first, to learn how
    // long the page is, as sg_logs does, has not been told anything by that.
    struct Range {
        std::size_t first = 1;
        std::size_t behind = flags + 1;
    };
    [[nodiscard]] static Range in_reply(std::uint16_t parameter_pointer,
                                        std::size_t allocation_length);
    // What this nexus has not been told yet; told by this are those in the range.
    [[nodiscard]] Set tell(NexusId nexus, Range range);
    void forget(NexusId nexus) { told_.erase(nexus); }
    // Raised and not told to everybody: TAFC in log page 11h.
    [[nodiscard]] bool news_for(NexusId nexus) const;

  private:
    void raise_number(std::size_t number);

    Set raised_;
    std::map<NexusId, Set> told_;
};

}  // namespace drive_iface::virtual_library

#pragma once

// The rungs there are: a map of reservation keys, and the drive's list of potential conflicts.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "drive_iface/device/holder_resolver.hpp"

namespace drive_iface {

// The administrator says whose a RESERVATION KEY is.
struct KeyOwner {
    std::uint64_t key = 0;
    std::vector<agent::core::InitiatorPort> ports;  // of the host that uses it
    bool operator==(const KeyOwner&) const = default;
};

// Names the ports of a key in `owners`; evidence `key`. For another one that looks like those of
// LTFS, which carry a name or an address, a hint in words.
[[nodiscard]] std::unique_ptr<HolderResolver> make_key_resolver(std::vector<KeyOwner> owners);

// What a reservation key seems to say by itself, empty: nothing. LTFS writes 40h and an IPv4
// address, 60h and the tail of an IPv6 address, or 10h and the beginning of the host's name
// (ltfs, src/tape_drivers/ibm_tape.c).
[[nodiscard]] std::string key_hint(std::uint64_t key);

// Asks for the DT device status log page (11h), which LOG SENSE gives also under a RESERVE on SPC-2
// and later drives, and points at the ports in its potential conflict list: LTO-6 and later name
// there a port whose commands may be in the way. A drive that refuses the page is asked again after
// an hour.
[[nodiscard]] std::unique_ptr<HolderResolver> make_conflict_list_resolver();

}  // namespace drive_iface

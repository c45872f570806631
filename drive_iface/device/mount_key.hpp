#pragma once

// The reservation keys controllers use while they mount a volume for a host. Told apart from the
// keys of fences (fence_key.hpp) and from those of hosts.

#include <cstdint>
#include <string_view>

namespace drive_iface {

// What the keys of one library's controllers have in common: bytes 0 to 4 of the RESERVATION KEY
// (SPC-4 6.16.3). Bytes 0 to 2 are "LRM"
// (4Ch 52h 4Dh), so that people know it in a list of keys; the other two come out of the library's
// name.
[[nodiscard]] std::uint64_t mount_key_family(std::string_view library);

// Behind the family four bits of the node's number (1 to 15) and twenty of the epoch: a key of an
// older epoch is a dead one.
[[nodiscard]] std::uint64_t mount_key(std::uint64_t family, std::uint32_t node_number,
                                      std::uint64_t epoch);

// Of two keys of one family: made under a newer epoch, as far as twenty bits tell.
[[nodiscard]] bool is_newer_mount_key(std::uint64_t key, std::uint64_t than);

// `family` 0: never.
[[nodiscard]] bool is_mount_key(std::uint64_t family, std::uint64_t key);

}  // namespace drive_iface

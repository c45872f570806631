#pragma once

// The reservation key a controller registers at a drive while it keeps the hosts out.

#include <cstdint>
#include <string_view>

namespace drive_iface {

// Bytes 0 to 2 are "LRA" (4Ch 52h 41h), so that people and other controllers know it in a list of
// keys; the other five come out of controller.id, the same on every start: a controller knows its
// own fence again after a restart, and two controllers take each other's for what it is.
[[nodiscard]] std::uint64_t fence_key(std::string_view controller);

// Does some controller's fence go by this key?
[[nodiscard]] bool is_fence_key(std::uint64_t key);

}  // namespace drive_iface

#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace drive_iface::iscsi {

// RFC 1321. Only because CHAP_A=5 is what every initiator can do; it protects nothing else here.
[[nodiscard]] std::array<std::uint8_t, 16> md5(std::span<const std::uint8_t> message);

}  // namespace drive_iface::iscsi

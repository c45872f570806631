#pragma once

#include <string>
#include <string_view>

namespace drive_iface::admin_volumes {

// SHA-256 (FIPS 180-4) as 64 lower-case hexadecimal digits, as sha256sum prints it.
[[nodiscard]] std::string sha256_text(std::string_view data);

}  // namespace drive_iface::admin_volumes

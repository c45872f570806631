#pragma once

#include <string>

namespace agent::runtime {

// The URL without what stands between "://" and the first '@': as libiscsi reads it (user, then a
// password after '%' or ':', in which a '/' may stand), so that no part of a password is ever left.
[[nodiscard]] std::string without_credentials(const std::string& url);

}  // namespace agent::runtime

#pragma once

#include <string>
#include <system_error>

namespace agent::core {

// What the system says about an errno value, for messages. From any thread, unlike strerror(3).
[[nodiscard]] inline std::string errno_text(int error) {
    return std::generic_category().message(error);
}

}  // namespace agent::core

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/core/result.hpp"

namespace agent::host {

// What stands in for the placeholders of one drive.
struct DriveNames {
    std::string drive;   // {drive}: what the backup application calls it
    std::string serial;  // {serial}
    std::string device;  // {device}: its node on this host; may be empty
};

// Fills {drive}, {serial} and {device} in. A value stays inside the argv element that names it,
// whatever characters it has: nothing is split or expanded. Errors: an unknown {placeholder}; an
// empty value; a value with control characters; a value that begins with '-' where the element
// begins with its placeholder, since the program would take it for an option.
[[nodiscard]] core::Result<std::string> fill_in_argument(std::string_view element,
                                                         const DriveNames& names);

// All elements. Also an error: no elements, an empty first one, a placeholder in the first one, or
// a relative path there.
[[nodiscard]] core::Result<std::vector<std::string>> fill_in_argv(
    const std::vector<std::string>& argv, const DriveNames& names);

// As fill_in_argument(), but the values are escaped to stand for themselves in an ECMAScript
// regular expression.
[[nodiscard]] core::Result<std::string> fill_in_pattern(std::string_view pattern,
                                                        const DriveNames& names);

}  // namespace agent::host

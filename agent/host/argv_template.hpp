#pragma once

#include <map>
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
    // Further placeholders by name: what a profile asks the administrator for.
    std::map<std::string, std::string> settings;
    std::map<std::string, std::string> secrets;  // only fill_in_text() sees these
};

// The words in braces, without them, in the order in which they stand: a lower-case letter, then
// lower-case letters, digits and '_'. Other braces are text: JSON, counts in regular expressions.
// {drive:regex} is "drive" too.
[[nodiscard]] std::vector<std::string> placeholders_in(std::string_view text);

// Fills {drive}, {serial}, {device} and the settings in. A value stays inside the argv element that
// names it, whatever characters it has: nothing is split or expanded. {drive:regex} and the like
// are the value written so that it stands for itself in a regular expression, for programs that
// take one. Errors: an unknown {placeholder}; an empty value; a value with control characters; a
// value that begins with '-' where the element begins with its placeholder, since the program would
// take it for an option.
[[nodiscard]] core::Result<std::string> fill_in_argument(std::string_view element,
                                                         const DriveNames& names);

// The same for text that nobody but the program sees: its standard input, its environment. Secrets
// are filled in as well, and a leading '-' is nothing special.
[[nodiscard]] core::Result<std::string> fill_in_text(std::string_view text,
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

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/time.hpp"

namespace agent::shell {

// What text is laid out for.
struct Screen {
    std::size_t columns = 80;
    bool colours = false;
    core::WallTime now;  // ages are counted from here
};

// The terminal behind `descriptor`: its width (at least 40 columns). 80 columns for a file or a
// pipe. Colours only on a terminal, and not with NO_COLOR in the environment or TERM=dumb
// (no-color.org).
[[nodiscard]] Screen screen_of(int descriptor);

enum class Tone : std::uint8_t { plain, good, attention, bad, faint, strong };

[[nodiscard]] std::string painted(std::string_view text, Tone tone, const Screen& screen);

// Text from a daemon, safe to print: control characters (line ends too) and bytes that are not
// UTF-8 become '?'. A drive's serial number comes from the drive; it must not steer the operator's
// terminal.
[[nodiscard]] std::string printable(std::string_view text);

// Of printable text; every character counts one column.
[[nodiscard]] std::size_t columns_of(std::string_view text);

// At most `columns` wide: the middle gives way to a '~', since names differ at their ends.
// "VT00~0001"
[[nodiscard]] std::string elided(std::string_view text, std::size_t columns);

// Lines of at most `columns`, broken between words, within a word where it is too long. Never
// empty.
[[nodiscard]] std::vector<std::string> wrapped(std::string_view text, std::size_t columns);

// `text` wrapped with every line behind `indent` blanks; ends with a line end.
[[nodiscard]] std::string paragraph(std::string_view text, std::size_t indent,
                                    const Screen& screen);

}  // namespace agent::shell

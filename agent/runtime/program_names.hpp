#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace agent::runtime {

// How programs are named on the host that runs them: by full paths, or as PowerShell finds them, by
// names and by full paths with a drive letter as well.
enum class ProgramNames : std::uint8_t { posix, powershell };

// "C:\..." or "C:/...".
[[nodiscard]] bool is_drive_letter_path(std::string_view program);
// Empty when it can be a program there; otherwise what it must be.
[[nodiscard]] std::string wrong_with_program(std::string_view program, ProgramNames names);

}  // namespace agent::runtime
